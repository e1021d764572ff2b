photos-count = { $count ->
    [one] { $count } photo
   *[other] { $count } photos
}

avatar-collecting =
    <b>{ $name }</b> · { $type }

    { $bar } { $have } of { $minimum }

    Send { $left ->
        [one] { $left } more photo
       *[other] { $left } more photos
    }: one by one, as an album or as files. At least { $side } pixels on the shorter side, up to { $megabytes } MB.

avatar-ready =
    <b>{ $name }</b> · { $type }

    { $bar } { $photos }

    You can start the training{ $room ->
        [0] . The set is full: to replace a photo, delete it and send another one.
       *[other] {" "}or add more (up to { $maximum }).
    }

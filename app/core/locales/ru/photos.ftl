photos-count = { $count ->
    [one] { $count } фотография
    [few] { $count } фотографии
   *[many] { $count } фотографий
}

avatar-collecting =
    <b>{ $name }</b> · { $type }

    { $bar } { $have } из { $minimum }

    Пришлите ещё { $left ->
        [one] { $left } фотографию
        [few] { $left } фотографии
       *[many] { $left } фотографий
    }: по одной, альбомом или файлами. От { $side } пикселей по короткой стороне, до { $megabytes } МБ.

avatar-ready =
    <b>{ $name }</b> · { $type }

    { $bar } { $photos }

    Можно начинать обучение{ $room ->
        [0] . Набор полон: чтобы заменить снимок, удалите его и пришлите другой.
       *[other] {" "}или добавить ещё (до { $maximum }).
    }

button-train-again = 🔁 Train again
button-cancel-training = ✋ Cancel the training
button-cancel-confirm = ✋ Yes, cancel
button-cancel-not = ← No, let it train

preset-label = { $preset ->
    [fast] ⚡ Fast
    [balanced] ⚖️ Balanced
   *[quality] 💎 Quality
}

confirm-training =
    <b>Train the avatar “{ $name }”?</b>
    Type: { $type }, photos: { $count }, steps: { NUMBER($steps, useGrouping: 0) }

confirm-smoke =
    <b>A trial training of “{ $name }”?</b>
    Type: { $type }, photos: { $count }, steps: { NUMBER($steps, useGrouping: 0) }
    🧪 It only tests the way to FAL AI and back: the model will be no good, and the avatar won't get it.

usual-time = ⏱ Usually { $median }, 9 times in 10 up to { $most }.
usual-time-unknown = ⏱ How long it takes isn't known yet.

duration = { $hours ->
    [0] { $minutes } min
   *[other] { $hours } h { $minutes } min
}

confirm-photos = 📦 The photos go to FAL AI for a day and can't be changed during training.

consent = ✍️ “Yes, start” means: the photos show you, or somebody who allowed it, and you agree to training on them.

confirm-faceless = ⚠️ No face in { $count } of { $have } photos: the portrait may not look right.

confirm-cancel =
    <b>Cancel the training of the avatar “{ $name }”?</b>

    I'll ask FAL AI to stop it. If it is still in the queue, it will be taken out. If it is already running, it may be too late: then the avatar will be ready. The photos stay in place either way, and I'll tell you how it ended.

training-since = { $hours ->
    [0] { $minutes ->
        [0] Started just now.
        [one] Started { $minutes } minute ago.
       *[other] Started { $minutes } minutes ago.
    }
    [one] Started { $hours } hour ago.
   *[other] Started { $hours } hours ago.
}
training-known-in = { $hours ->
    [one] 🕓 It will be known within an hour whether it is running. If it isn't, you can start again; all the photos stay in place.
   *[other] 🕓 It will be known within { $hours } hours whether it is running. If it isn't, you can start again; all the photos stay in place.
}
training-promise = I'll write when the avatar is ready.
training-promise-cancelling = I'll tell you how it ended.

training-position = 🔢 Place in the queue: { $position }.
training-progress = { $bar } { $percent }%
training-progress-left = { $bar } { $percent }% · about { $left } left
training-preparing = 📥 FAL AI is loading what the training needs.

status-moved = ⬇️ How the training is going: see the message below.
status-moved-up = ⬆️ How the training is going: see the message above.

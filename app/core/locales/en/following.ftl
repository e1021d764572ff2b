button-train-again = 🔁 Train again
button-cancel-training = ✋ Cancel the training
button-cancel-confirm = ✋ Yes, cancel
button-cancel-not = ← No, let it train

preset-label = { $preset ->
    [fast] ⚡ Fast
    [balanced] ⚖️ Balanced
   *[quality] 💎 Quality
}
preset-name = { $preset ->
    [fast] fast
    [balanced] balanced
   *[quality] quality
}

confirm-training =
    <b>Train the avatar “{ $name }”?</b>

    Type: { $type }. Photos: { $count }.
    Mode: { $preset }, steps of training: { $steps }. The more steps, the closer the result and the longer the wait.

confirm-smoke =
    <b>A trial training of the avatar “{ $name }”?</b>

    Type: { $type }. Photos: { $count }.
    🧪 It is only a trial of the way to FAL AI and back, steps of training: { $steps }. Such a model is no good, so the avatar won't get it. It can be trained in earnest later.

usual-time = ⏱ It usually takes { $median }, nine times in ten no more than { $most }. That is how the last trainings went.
usual-time-unknown = ⏱ I don't know yet how long it takes: there were too few trainings like this one.

duration = { $hours ->
    [0] { $minutes } min
   *[other] { $hours } h { $minutes } min
}

confirm-photos = 📦 The photos go to FAL AI as one archive, which is kept there for one day. I keep them, so that the avatar can be trained again. While it trains, the photos can't be changed; the training can be cancelled.

consent = ✍️ By pressing “Yes, start” you confirm that the photos show yourself, or somebody who has allowed you to use them, and that you agree to their being processed to train the avatar.

confirm-question = Shall we?

confirm-cancel =
    <b>Cancel the training of the avatar “{ $name }”?</b>

    I'll ask FAL AI to stop it. If it still waits for its turn, it is taken out of the queue. If it runs already, it may be too late to stop it: then the avatar will be ready. The photos stay in place either way, and I'll write how it ended.

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
    [one] 🕓 It will be known within an hour whether it runs. If it doesn't, you can start again; all the photos stay in place.
   *[other] 🕓 It will be known within { $hours } hours whether it runs. If it doesn't, you can start again; all the photos stay in place.
}
training-promise = I'll write when the avatar is ready.
training-promise-cancelling = I'll write how it ended.

training-position = 🔢 Place in the queue: { $position }.
training-steps = 📈 Steps done: { $done } of { $total }.
training-preparing = 📥 FAL AI is loading what the training needs.
training-line = 📄 FAL AI said last: <i>{ $line }</i>

button-train = 🚀 Start training
button-confirm = ✅ Yes, start
button-refresh = 🔄 Refresh
button-try-again = 🔁 Try again

avatar-training =
    <b>{ $name }</b> · { $type }

    { $state ->
        [REQUESTED] ⏳ Preparing the photos and sending them for training.
        [SUBMITTING] ⏳ Sending the training.
        [SUBMIT_UNKNOWN] ⏳ The training was sent, but no confirmation has come yet. You don't need to do anything: I'm finding out and will write.
        [SUBMITTED] ⏳ The training is accepted and is waiting its turn.
        [RUNNING] ⚙️ The training is running.
        [OVERDUE] ⌛ The training is taking longer than usual. I keep watching and will write.
       *[CANCELLING] ✋ The training is being cancelled.
    }

avatar-drill =
    🧪 A drill: nothing was sent to FAL.
    To end it, run <code>python -m scripts.simulate_webhook { $training }</code>

avatar-smoke = 🧪 This is a trial training: its model will be no good, and the avatar won't get it.

avatar-failed = ⚠️ It didn't work out last time: { $reason }
avatar-retraining-failed = ⚠️ Retraining failed: { $reason } The earlier model works as before.
avatar-retraining-cancelled = ✋ Retraining was cancelled. The earlier model works as before.

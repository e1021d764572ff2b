training-completed =
    🎉 <b>The avatar “{ $name }” is ready!</b>

    The model is trained and saved.

smoke-completed =
    🧪 <b>The trial training of the avatar “{ $name }” went all the way.</b>

    Its model is no good, so the avatar didn't get it: everything is as it was before. You can train it for real now.

drill-completed = 🧪 The drill “{ $name }” went all the way. No model was trained.

training-failed =
    ⚠️ <b>The avatar “{ $name }” couldn't be trained.</b>

    Reason: { $reason }

    All your photos are still here.

training-overdue =
    ⌛ <b>The avatar “{ $name }” is taking longer to train than usual.</b>

    You don't need to do anything: I keep asking FAL AI and will write as soon as there is an answer.

training-unconfirmed =
    ⏳ <b>FAL AI hasn't confirmed the training of the avatar “{ $name }” yet.</b>

    The connection broke off while it was being sent, so I don't know whether it is running. You don't need to do anything: I'll tell you within { $hours ->
        [one] an hour
       *[other] { $hours } hours
    }. If it is running, the avatar will be ready as usual; if it isn't, you can start again. All the photos are in place.

training-cancelled =
    ✋ <b>The training of the avatar “{ $name }” is cancelled.</b>

    All your photos are still here: you can start again.

training-completed-late =
    ✅ <b>The avatar “{ $name }” is ready.</b>

    The model is trained and saved.

training-too-late = You asked to cancel the training, but it had already ended.

training-earlier-model = The avatar's earlier model is still there and works as before.

failure-too-few-images = there were too few photos. Add some and start again.
failure-too-many-images = there were too many photos.
failure-archive = the archive of photos didn't open at FAL AI. Starting again usually helps.
failure-image-too-small = one of the photos is too small. Replace it with a larger one.
failure-image-too-large = one of the photos is too large. Replace it with a smaller one.
failure-image-unreadable = one of the photos couldn't be read. Replace it.
failure-photo-lost = one of the photos is gone from our storage, and that is our mistake. Look through the photos, and send the missing one again.
failure-no-face = no face was found in one of the photos. Replace it with one where the face is well seen.
failure-content-policy = the photos didn't pass FAL AI's rules. Replace them.
failure-service = the training service isn't available for now. Try again a little later.
failure-our-account = the training service didn't accept our request. We are looking into it; try again later.
failure-no-model = the training ended without a model. Try again.
failure-unknown = the training service reported an error without details. Try again.

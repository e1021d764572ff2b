button-menu = ← Menu
button-back = ← Back
button-new-avatar = ✨ Create an avatar
button-my-avatars = 🖼 My avatars
button-open-avatar = Open the avatar
button-portrait = 👤 Portrait
button-style = 🎨 Style
button-male = Male
button-female = Female
button-train = 🚀 Start training
button-confirm = ✅ Yes, start
button-refresh = 🔄 Refresh
button-try-again = 🔁 Try again

command-start = Main menu
command-new = Create an avatar
command-avatars = My avatars
command-status = How the training is going
command-help = How it works
command-cancel = Stop creating

welcome =
    👋 Hello, { $name }!

    I make avatars: you send { $minimum }–{ $maximum } photos, I train a model on them, and you get a digital double or a style of your own.

help =
    <b>How it works</b>

    1. Create an avatar: type, gender and name.
    2. Send { $minimum }–{ $maximum } photos. Better as files: Telegram doesn't compress those.
    3. Press “Start training” and confirm.
    4. I'll write when the avatar is ready.

    /new — create an avatar
    /avatars — my avatars
    /status — how the training is going
    /cancel — stop creating

choose-type =
    <b>Step 1 of 3.</b> Which avatar shall we create?

    👤 <b>Portrait</b> remembers a person's face.
    🎨 <b>Style</b> remembers the manner and mood of the pictures.

choose-gender = <b>Step 2 of 3.</b> Who is in the photos?

ask-name =
    <b>Step 3 of 3.</b> What shall we call the avatar?

    Write its name as a message, up to { $maximum } characters.

avatar-type = { $type ->
    [portrait] portrait
   *[style] style
}

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
        [0] .
       *[other] {" "}or add more (up to { $maximum }).
    }

avatar-training =
    <b>{ $name }</b> · { $type }

    { $state ->
        [REQUESTED] ⏳ Preparing the photos and sending them to be trained on.
        [SUBMITTING] ⏳ Sending the training.
        [SUBMIT_UNKNOWN] ⏳ The training was sent, its confirmation hasn't come yet. There's nothing to do: I'll find out and write.
        [SUBMITTED] ⏳ The training is accepted and waits its turn.
        [RUNNING] ⚙️ The training is running.
        [OVERDUE] ⌛ The training takes longer than usual. I keep watching and will write.
       *[CANCELLING] ✋ The training is being cancelled.
    }
    { $minutes ->
        [0] Started just now.
        [one] Started { $minutes } minute ago.
       *[other] Started { $minutes } minutes ago.
    } I'll write when the avatar is ready.

avatar-drill =
    🧪 A drill: nothing was sent to FAL.
    To end it, run <code>python -m scripts.simulate_webhook { $training }</code>

avatar-completed =
    <b>{ $name }</b> · { $type }

    ✅ The avatar is ready. Trained on: { $photos }.

avatar-failed = ⚠️ It didn't work out last time: { $reason }

confirm-training =
    <b>Train the avatar “{ $name }”?</b>

    Type: { $type }. Photos: { $count }.

    The photos go to FAL AI to be trained on; the archive is kept there for one day. While it trains, the photos can't be changed. Shall we?

avatars-empty = You have no avatars yet. Shall we create the first one?

avatars-list = <b>Your avatars</b>

avatar-label = { $state ->
    [DRAFT] 📷
    [TRAINING] ⏳
   *[COMPLETED] ✅
} { $name }

not-understood = I understand buttons, commands and photos. Here is where you can start:

cancelled = All right, stopped. Nothing is lost.

button-expired = This button doesn't work any more. Here is the menu:

button-menu = ← Menu
button-back = ← Back
button-new-avatar = ✨ Create an avatar
button-portrait = 👤 Portrait
button-style = 🎨 Style
button-male = A man
button-female = A woman

# What people write in place of pressing a button.
answer-portrait = portrait, face, person
answer-style = style
answer-male = male, man, a man, m, boy, guy
answer-female = female, woman, a woman, f, girl

command-start = Main menu
command-new = Create an avatar
command-avatars = My avatars
command-status = How the training is going
command-help = How it works
command-cancel = Stop

bot-description =
    I make avatars: you send { $minimum }–{ $maximum } photos, I train a model on them and write to you when the avatar is ready.

    What happens to your data: /privacy
    Support: /support
    Delete everything about you: /delete_me
bot-short-description = Avatars from your photos. Support: /support · delete everything about you: /delete_me

welcome =
    👋 Hello, { $name }!

    I make avatars: you send { $minimum }–{ $maximum } photos, I train a model on them, and you get a digital double or a style of your own.

help =
    <b>How it works</b>

    1. Create an avatar: choose its type and give it a name.
    2. Send { $minimum }–{ $maximum } photos. Files are better: Telegram doesn't compress those.
    3. Press “Start training” and confirm.
    4. I'll write when the avatar is ready.

    /new — create an avatar
    /avatars — my avatars
    /status — how the training is going
    /language — change the language
    /support — support
    /privacy — what happens to your data
    /delete_me — delete everything about me
    /cancel — stop

choose-type =
    <b>Step 1.</b> Which kind of avatar?

    👤 <b>Portrait</b> remembers a person's face.
    🎨 <b>Style</b> remembers the manner and mood of the pictures.

choose-gender = <b>Step 2 of 3.</b> Who is in the photos?

ask-name =
    <b>{ $type ->
        [style] Step 2 of 2.
       *[portrait] Step 3 of 3.
    }</b> What is the avatar's name?

    Send its name as a message, up to { $maximum } characters.

not-understood = I understand buttons, commands and photos.
message-unreadable = I couldn't read this message. Send it again, as plain text or as a photo.

cancelled = All right, stopped. Nothing is lost.

button-expired = This button doesn't work any more. Here is the menu:

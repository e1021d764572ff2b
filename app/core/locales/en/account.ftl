button-resume = ▶️ Continue with “{ $name }”

command-language = Change the language
command-privacy = What happens to your data
command-support = Support
command-delete_me = Delete everything about me

language = Choose your language
language-ru = 🇷🇺 Русский
language-kk = 🇰🇿 Қазақша
language-en = 🇬🇧 English
language-chosen = The language is English now.

privacy =
    <b>What happens to your data</b>

    We store your Telegram id, your language, your avatars and the photos you sent, until you delete them.
    To be trained on, the photos go to FAL AI without coordinates and other marks; the archive is stored there for one day, the trained model until you delete the avatar.
    Nobody else gets anything from us.

    Delete a photo or an avatar: /avatars
    Delete everything at once: /delete_me

support =
    <b>Support:</b> { $contact }

    If the bot showed an error code, send it too: it leads us to the line in the log.
support-nobody = The owner of this bot hasn't said where to write. Ask whoever told you about it.

ask-delete-me =
    <b>Delete everything about you?</b>

    All your avatars, photos and models will be deleted. This can't be undone.
farewell = Done: nothing about you is stored any more. To come back: /start

operator-new-error =
    🛠 A new kind of error: <code>{ $kind }</code>

    The code <code>{ $reference }</code> leads to its line in the bot's log. I won't write about this kind again.

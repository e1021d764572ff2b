button-my-avatars = 🖼 My avatars
button-open-avatar = Open the avatar

avatar-type = { $type ->
    [portrait] portrait
   *[style] style
}

avatar-completed =
    <b>{ $name }</b> · { $type }

    ✅ The avatar is ready. Trained on: { $photos }.

avatars-empty = You have no avatars yet. Shall we create the first one?
avatars-list = <b>Your avatars</b>

avatar-label = { $state ->
    [DRAFT] 📷
    [TRAINING] ⏳
   *[COMPLETED] ✅
} { $name }

button-my-avatars = 🖼 My avatars
button-open-avatar = Open the avatar

avatar-type = { $type ->
    [portrait] portrait
   *[style] style
}

avatar-completed =
    <b>{ $name }</b> · { $type }

    ✅ The avatar is ready. In its set: { $photos }.

avatars-empty = You have no avatars yet. Shall we create the first one?
avatar-deleted = 🗑 The avatar “{ $name }” is deleted, with all that belonged to it.
avatars-none-left = You have no other avatars. Shall we create a new one?
avatars-list = <b>Your avatars</b>
avatars-list-page = <b>Your avatars</b> · page { $page } of { $pages }


avatar-label = { $state ->
    [DRAFT] 📷
    [TRAINING] ⏳
   *[COMPLETED] ✅
} { $name }

button-photos = 🖼 Photos
button-rename = ✏️ Name
button-delete = 🗑 Delete
button-main = ⭐ Make it the main one
button-to-avatar = ← To the avatar
button-delete-for-ever = 🗑 Yes, delete for good
button-delete-photo = 🗑 Delete this one
button-delete-photos = Delete all

avatar-rename =
    Its name is “{ $name }” now. What is its new name?

    Send the new name as a message, up to { $maximum } characters.

avatar-ask-delete =
    <b>Delete the avatar “{ $name }”?</b>

    Everything will be deleted: { $photos }, the trained model and the history. This can't be undone.
draft-ask-delete =
    <b>Delete the avatar “{ $name }”?</b>

    Everything will be deleted: { $photos } and the history. This can't be undone.

photo-page =
    <b>{ $name }</b> · photo { $number } of { $count }
    { NUMBER($width, useGrouping: 0) }×{ NUMBER($height, useGrouping: 0) }

photo-not-shown = It can't be shown just now, but it is in the set.
photo-whose = There is more than one face. Whose avatar is this? Tap the number: only that person will stay in the picture.
photo-faces-small = There is more than one face, and each is too small to be cut out. Better a photo of one person.
photo-turn = The photo lies on its side. Turn it?
photo-upside-down = The photo is upside down. Turn it?
photo-screenshot = This is a screenshot. Crop it to the photo itself?
photo-screenshot-small = This is a screenshot, and the photo in it is too small to be cut out. Better send the photo itself.
button-turn-photo = 🔄 Turn
button-crop-photo = ✂️ Crop
button-restore-photo = ↩️ As it was sent
button-fix-photo = { $count ->
    [one] 🛠 Put the photo right
   *[other] 🛠 Put { $count } photos right
}
button-fix-next = 🛠 Next photo

photos-ask-delete = <b>Delete all photos of the avatar “{ $name }”?</b> That is { $photos }. This can't be undone.

button-open-photos = 📷 Change the photos
photos-open = 📷 The set is open: photos can be deleted, and new ones sent (up to { $maximum }). The model stays as it is until you train the avatar again.

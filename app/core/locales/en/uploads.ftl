uploads-accepted = { $count ->
    [one] ✅ { $count } photo accepted
   *[other] ✅ { $count } photos accepted
}

uploads-advised = ⚠️ Saved, but could be better:
uploads-refused = ❌ Not suitable:
uploads-numbers = No. { $numbers }
uploads-all = All of them
uploads-left-out = Left out: { $numbers }.

uploads-more = { $count ->
    [one] …and { $count } more remark.
   *[other] …and { $count } more remarks.
}

uploads-waiting = 📷 Photos waiting: { $count }.
uploads-in-training = ⏳ The avatar “{ $name }” is being trained: until that is over, no photos can be added to it.
uploads-closed = ✅ The avatar “{ $name }” is ready. To add photos to it, press “Change the photos” and send them again.

uploads-checking = 🔎 Checking the photos: { $done } of { $sent }.

error-name-first = Answer the question, and I'll add them to the new avatar.
error-media-video = A video doesn't work: an avatar learns from photos. Send pictures in JPEG, PNG, WebP or HEIC.
error-media-sticker = A sticker doesn't work: an avatar learns from photos. Send pictures.
error-media-sound = I don't understand voice and music. Send photos, or write in words.
error-photo-unavailable = Telegram didn't hand over this file. Send the photo again.

error-avatar-not-found = You have no such avatar. Open “My avatars”: /avatars
error-avatar-busy = This can't be done with the avatar “{ $name }” now: it is being trained, or is ready. A new one: /new. To change the photos of one that is ready, open it: /avatars
error-name-refused = A name has 1 to { $maximum } characters. Write another one.
error-too-few-photos = Training needs { $needed } photos. You have { $have }: send more.
error-trainings-paused = Training isn't available during maintenance. Your photos are stored: try again later.
error-trainer-deprecated = FAL AI no longer supports this kind of training. Write to support.
error-no-draft = Create an avatar, and I'll add them to it.
error-photo-not-image = This isn't a photo: there is no picture inside the file. Send a JPEG, PNG, WebP or HEIC.
error-photo-format = { $format } isn't supported. Send a JPEG, PNG, WebP or HEIC, or send it as a photo: Telegram converts it.
error-photo-convert = { $format } isn't supported. Save the picture as JPEG in any photo app and send it again.
error-photo-raw = { $format } is a camera's raw file. Send the JPEG that the camera or your photo app makes of it.
error-photo-video = { $format } is a video. Take a still from it, or send a photo.
error-photo-container = { $format } isn't a photo. If photos are inside, take them out and send them as they are.
error-photo-too-slow = This file takes too long to read. Save the picture again as JPEG, or send it as a photo: Telegram converts it.
error-photo-broken = The file is damaged or wasn't uploaded whole. Send the photo once more.
error-photo-too-large = The file is larger than { $megabytes } MB. Send it as a photo, or make it smaller.
error-photo-too-small = The photo is too small: { NUMBER($width, useGrouping: 0) }×{ NUMBER($height, useGrouping: 0) }. It needs at least { $minimum } pixels on the shorter side.
error-photo-too-many-pixels = The picture has more than { $maximum } megapixels. Make it smaller and send it again.
error-photo-too-heavy = This { $format } has { $megapixels } megapixels, and files of its kind are taken up to { $maximum }. Send it as a photo, so that Telegram makes it smaller, save it as an ordinary JPEG, or set the camera to fewer megapixels.
error-photo-duplicate = This photo is already in the set. Send another one.
error-photo-limit = The set already has { $maximum } photos, no more are needed.
error-storage-unavailable = The photo couldn't be stored on our side. Send it once more in a minute.
error-unexpected =
    😔 Something broke on our side. Your data is safe; try again in a minute.
    If it happens again, tell support the code <code>{ $reference }</code>.
error-avatar-in-training = The avatar “{ $name }” is being trained now. Cancel the training first: /status

error-photo-too-stretched = The picture is too long: one side is more than { $maximum } times the other. Crop it closer to a square and send it again.
error-photo-too-blurry = The photo is blurred: nothing in it is sharp. Send one where the face, or the subject, is in focus.
error-photo-face-blurry = The face is out of focus, though something else is sharp. Tap the face on the screen when you take the photo, then send it again.
error-photo-too-dark = The photo is too dark: the face, or the subject, can hardly be seen. Take it by a window or with the lights on.
error-photo-too-bright = The photo is overexposed: the face, or the subject, is nearly white. Step out of direct light and take it again.
error-photo-alike = The same photo is there already, maybe in another size, cropped or as a screenshot. Send another one: another angle, place or outfit.

advice-blurry = a little blurred: a sharp one teaches better
advice-face-blurry = the face is a little out of focus: tap it on the screen when you take the photo
advice-dark = rather dark: try it by a window
advice-bright = rather bright: better without direct light
advice-stretched = rather long: crop what isn't needed
advice-small = rather small: send the original as a file if you have it
advice-alike = like another one: different angles help more
advice-no-face = I can't see a face: fine if the person isn't facing the camera
advice-several-faces = several faces: show me whose avatar it is
advice-screenshot = a screenshot: crop it, or send the photo itself
advice-sideways = lies on its side: one tap turns it
advice-upside-down = is upside down: one tap turns it
advice-face-small = the face is small: come closer

set-advice-all-alike = 🔁 Photos that are nearly the same: { $count }. { $room ->
    [0] Replace some with other angles, expressions and clothes.
   *[other] Add other angles, expressions and clothes.
}
set-advice-one-background = 🖼 Photos with the same background: { $count }. { $room ->
    [0] Replace some with photos from other places, or the background will be learned as well.
   *[other] Add some from other places, or the background will be learned as well.
}
set-advice-few-sharp = 🔍 Photos that aren't quite sharp: { $count }. Replace at least some of them with sharp ones.
set-advice-faces-missing = 🙂 Photos without a face seen from the front: { $count }. { $room ->
    [0] Replace some with photos where the face can be seen well.
   *[other] Add some where the face can be seen well.
}
set-advice-mixed-orientations = 📐 There are upright and wide photos (the fewer kind: { $count }). Keep what matters near the middle: the edges may be cropped.

set-shots = 🙂 Looking into the camera: { $straight }, half turned: { $aside }; close: { $close }, to the waist: { $half }. { $room ->
    [0] Replace some with these: { $wanted }.
   *[other] More of these would help: { $wanted }.
}
shot-straight = looking into the camera
shot-aside = half turned
shot-close = of the face alone
shot-half-length = to the waist

button-tips = 💡 Which photos work

photo-tips = { $type ->
    [portrait]
        <b>Which photos work for a portrait</b>

        ✅ <b>Do</b>
        • the whole face, in focus and well lit
        • one person in the picture
        • different angles: front, half profile, to the waist, full length
        • different places, clothes and expressions
        • originals as files: Telegram doesn't compress those

        ❌ <b>Don't</b>
        • sunglasses, a mask, a hand in front of the face
        • filters, collages, captions, screenshots
        • a burst of the same shot
        • group photos
   *[style]
        <b>Which photos work for a style</b>

        ✅ <b>Do</b>
        • all in one manner: light, colour, mood
        • different subjects: people, places, things
        • sharp pictures of 900 pixels or more on the shorter side
        • originals as files: Telegram doesn't compress those

        ❌ <b>Don't</b>
        • the same thing in every picture: it would be learned instead of the style
        • pictures in different styles
        • captions, watermarks, frames, screenshots
        • a burst of the same shot
}

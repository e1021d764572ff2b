too-fast = Many messages came at once, so I am answering the latest. No photo is lost.
too-fast-tap = Not so fast 🙂 I will do what you tapped last.

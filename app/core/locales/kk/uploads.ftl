uploads-accepted = ✅ { $count } фотосурет қабылданды
uploads-advised = ⚠️ Сақталды, бірақ жақсартуға болады:
uploads-refused = ❌ Жарамады:
uploads-numbers = № { $numbers }
uploads-all = Барлығы
uploads-left-out = Қосылмады: { $numbers }.
uploads-more = …және тағы { $count } ескерту.
uploads-waiting = 📷 Күтіп тұрған фотосурет: { $count }.
uploads-in-training = ⏳ «{ $name }» аватары оқытылып жатыр: ол аяқталғанша жаңа фотосурет қосылмайды.
uploads-closed = ✅ «{ $name }» аватары дайын. Оған фотосурет қосу үшін «Фотосуреттерді өзгерту» түймесін басып, қайта жіберіңіз.

uploads-checking = 🔎 Фотосуреттерді тексеріп жатырмын: { $sent } ішінен { $done }.

error-name-first = Сұраққа жауап беріңіз, сонда оларды жаңа аватарға қосамын.
error-media-video = Видео жарамайды: аватар фотосуреттер бойынша үйренеді. JPEG, PNG, WebP немесе HEIC суреттерін жіберіңіз.
error-media-sticker = Стикер жарамайды: аватар фотосуреттер бойынша үйренеді. Суреттер жіберіңіз.
error-media-sound = Дауыс пен музыканы түсінбеймін. Фотосурет жіберіңіз немесе сөзбен жазыңыз.
error-photo-unavailable = Telegram бұл файлды бермеді. Фотосуретті қайта жіберіңіз.

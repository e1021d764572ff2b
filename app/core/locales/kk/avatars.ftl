button-my-avatars = 🖼 Менің аватарларым
button-open-avatar = Аватарды ашу

avatar-type = { $type ->
    [portrait] портрет
   *[style] стиль
}

avatar-completed =
    <b>{ $name }</b> · { $type }

    ✅ Аватар дайын. Жинақта: { $photos }.

avatars-empty = Сізде әзірге аватар жоқ. Біріншісін жасаймыз ба?
avatar-deleted = 🗑 «{ $name }» аватары жойылды: оған қатысты ештеңе қалмады.
avatars-none-left = Басқа аватарыңыз жоқ. Жаңасын жасаймыз ба?
avatars-list = <b>Сіздің аватарларыңыз</b>
avatars-list-page = <b>Сіздің аватарларыңыз</b> · { $page }-бет, барлығы { $pages }


avatar-label = { $state ->
    [DRAFT] 📷
    [TRAINING] ⏳
   *[COMPLETED] ✅
} { $name }

button-photos = 🖼 Фотосуреттер
button-rename = ✏️ Аты
button-delete = 🗑 Жою
button-main = ⭐ Басты ету
button-to-avatar = ← Аватарға
button-delete-for-ever = 🗑 Иә, біржола жою
button-delete-photo = 🗑 Осыны жою
button-delete-photos = Бәрін жою

avatar-rename =
    Қазіргі аты — «{ $name }». Қалай атаймыз?

    Жаңа атын хабарлама етіп жазыңыз, { $maximum } таңбаға дейін.

avatar-ask-delete =
    <b>«{ $name }» аватарын жоямыз ба?</b>

    Бәрі жойылады: { $photos }, оқытылған модель және тарихы. Қайтару мүмкін болмайды.
draft-ask-delete =
    <b>«{ $name }» аватарын жоямыз ба?</b>

    Бәрі жойылады: { $photos } және тарихы. Қайтару мүмкін болмайды.

photo-page =
    <b>{ $name }</b> · { $number }-фотосурет, барлығы { $count }
    { NUMBER($width, useGrouping: 0) }×{ NUMBER($height, useGrouping: 0) }

photo-not-shown = Қазір оны көрсету мүмкін емес, бірақ ол жинақта бар.
photo-whose = Мұнда бірнеше бет-әлпет бар. Бұл кімнің аватары? Нөмірін басыңыз — суретте тек сол адам қалады.
photo-faces-small = Мұнда бірнеше бет-әлпет бар, бірақ біреуін қиып алуға тым кішкентай. Бір адам ғана түскен суретті жіберген дұрыс.
photo-turn = Фотосурет қырынан жатыр. Бұрамыз ба?
photo-upside-down = Фотосурет төңкеріліп тұр. Бұрамыз ба?
photo-screenshot = Бұл скриншот. Артығын қиып тастаймыз ба?
photo-screenshot-small = Бұл скриншот, ондағы фотосурет қиып алуға тым кішкентай. Фотосуреттің өзін жіберген дұрыс.
button-turn-photo = 🔄 Бұру
button-crop-photo = ✂️ Қию
button-restore-photo = ↩️ Жіберілген қалпы
button-fix-photo = { $count ->
    [one] 🛠 Суретті түзету
   *[other] 🛠 Суреттерді түзету: { $count }
}
button-fix-next = 🛠 Келесі сурет

photos-ask-delete = <b>«{ $name }» аватарының барлық фотосуретін жоямыз ба?</b> Жойылады: { $photos }. Қайтару мүмкін болмайды.

button-open-photos = 📷 Фотосуреттерді өзгерту
photos-open = 📷 Жинақ ашық: фотосуреттерді жоюға және жаңасын жіберуге болады (ең көбі { $maximum }). Аватарды қайта оқытқанша модель бұрынғыдай қалады.

button-menu = ← Меню
button-back = ← Назад
button-new-avatar = ✨ Создать аватар
button-my-avatars = 🖼 Мои аватары
button-open-avatar = Открыть аватар
button-portrait = 👤 Портрет
button-style = 🎨 Стиль
button-male = Мужской
button-female = Женский
button-train = 🚀 Начать обучение
button-confirm = ✅ Да, начать
button-refresh = 🔄 Обновить
button-try-again = 🔁 Попробовать ещё раз

command-start = Главное меню
command-new = Создать аватар
command-avatars = Мои аватары
command-status = Как идёт обучение
command-help = Как это работает
command-cancel = Прервать создание

welcome =
    👋 Привет, { $name }!

    Я делаю аватары: вы присылаете { $minimum }–{ $maximum } фотографий, я обучаю по ним модель — и у вас появляется цифровой двойник или собственный стиль.

help =
    <b>Как это работает</b>

    1. Создайте аватар: тип, пол и имя.
    2. Пришлите { $minimum }–{ $maximum } фотографий. Лучше файлом: так Telegram не сжимает снимок.
    3. Нажмите «Начать обучение» и подтвердите.
    4. Я напишу, когда аватар будет готов.

    /new — создать аватар
    /avatars — мои аватары
    /status — как идёт обучение
    /cancel — прервать создание

choose-type =
    <b>Шаг 1 из 3.</b> Какой аватар создаём?

    👤 <b>Портрет</b> — запоминает лицо человека.
    🎨 <b>Стиль</b> — запоминает манеру и настроение снимков.

choose-gender = <b>Шаг 2 из 3.</b> Кто на фотографиях?

ask-name =
    <b>Шаг 3 из 3.</b> Как назовём аватар?

    Напишите имя сообщением, до { $maximum } символов.

avatar-type = { $type ->
    [portrait] портрет
   *[style] стиль
}

photos-count = { $count ->
    [one] { $count } фотография
    [few] { $count } фотографии
   *[many] { $count } фотографий
}

avatar-collecting =
    <b>{ $name }</b> · { $type }

    { $bar } { $have } из { $minimum }

    Пришлите ещё { $left ->
        [one] { $left } фотографию
        [few] { $left } фотографии
       *[many] { $left } фотографий
    }: по одной, альбомом или файлами. От { $side } пикселей по короткой стороне, до { $megabytes } МБ.

avatar-ready =
    <b>{ $name }</b> · { $type }

    { $bar } { $photos }

    Можно начинать обучение{ $room ->
        [0] .
       *[other] {" "}или добавить ещё (до { $maximum }).
    }

avatar-training =
    <b>{ $name }</b> · { $type }

    { $state ->
        [REQUESTED] ⏳ Готовлю фотографии и отправляю их на обучение.
        [SUBMITTING] ⏳ Отправляю обучение.
        [SUBMIT_UNKNOWN] ⏳ Обучение отправлено, подтверждение ещё не пришло. Ничего делать не нужно: я узнаю результат и напишу.
        [SUBMITTED] ⏳ Обучение принято и ждёт своей очереди.
        [RUNNING] ⚙️ Обучение идёт.
        [OVERDUE] ⌛ Обучение идёт дольше обычного. Я продолжаю следить и напишу.
       *[CANCELLING] ✋ Обучение отменяется.
    }
    { $minutes ->
        [0] Начали только что.
        [one] Начали { $minutes } минуту назад.
        [few] Начали { $minutes } минуты назад.
       *[many] Начали { $minutes } минут назад.
    } Я напишу, когда аватар будет готов.

avatar-drill =
    🧪 Учебный запуск: в FAL ничего не отправлено.
    Завершить его можно командой <code>python -m scripts.simulate_webhook { $training }</code>

avatar-completed =
    <b>{ $name }</b> · { $type }

    ✅ Аватар готов. Обучен на: { $photos }.

avatar-failed = ⚠️ В прошлый раз не получилось: { $reason }

confirm-training =
    <b>Обучить аватар «{ $name }»?</b>

    Тип: { $type }. Фотографий: { $count }.

    Фотографии уйдут в FAL AI на обучение; архив там хранится одни сутки. Во время обучения состав фотографий не меняется. Продолжаем?

avatars-empty = У вас пока нет аватаров. Создадим первый?

avatars-list = <b>Ваши аватары</b>

avatar-label = { $state ->
    [DRAFT] 📷
    [TRAINING] ⏳
   *[COMPLETED] ✅
} { $name }

not-understood = Я понимаю кнопки, команды и фотографии. Вот с чего можно начать:

cancelled = Хорошо, прервали. Ничего не потеряно.

button-expired = Эта кнопка больше не работает. Вот меню:

button-my-avatars = 🖼 Мои аватары
button-open-avatar = Открыть аватар

avatar-type = { $type ->
    [portrait] портрет
   *[style] стиль
}

avatar-completed =
    <b>{ $name }</b> · { $type }

    ✅ Аватар готов. В наборе: { $photos }.

avatars-empty = У вас пока нет аватаров. Создадим первый?
avatar-deleted = 🗑 Аватар «{ $name }» удалён со всем, что к нему относилось.
avatars-none-left = Других аватаров у вас нет. Создадим новый?
avatars-list = <b>Ваши аватары</b>
avatars-list-page = <b>Ваши аватары</b> · страница { $page } из { $pages }


avatar-label = { $state ->
    [DRAFT] 📷
    [TRAINING] ⏳
   *[COMPLETED] ✅
} { $name }

button-photos = 🖼 Фотографии
button-rename = ✏️ Имя
button-delete = 🗑 Удалить
button-main = ⭐ Сделать главным
button-to-avatar = ← К аватару
button-delete-for-ever = 🗑 Да, удалить навсегда
button-delete-photo = 🗑 Удалить эту
button-delete-photos = Удалить все

avatar-rename =
    Сейчас имя — «{ $name }». Как назовём?

    Напишите новое имя сообщением, до { $maximum } символов.

avatar-ask-delete =
    <b>Удалить аватар «{ $name }»?</b>

    Исчезнет всё: { $photos }, обученная модель и история. Вернуть будет нельзя.
draft-ask-delete =
    <b>Удалить аватар «{ $name }»?</b>

    Исчезнет всё: { $photos } и история. Вернуть будет нельзя.

photo-page =
    <b>{ $name }</b> · фотография { $number } из { $count }
    { NUMBER($width, useGrouping: 0) }×{ NUMBER($height, useGrouping: 0) }

photo-not-shown = Показать её сейчас не получается, но она в наборе.
photo-whose = Здесь несколько лиц. Чей это аватар? Нажмите номер — на фото останется только этот человек.
photo-faces-small = Здесь несколько лиц, и вырезать одно не получится: слишком мелко. Лучше фото, где человек один.
photo-turn = Фото лежит на боку. Повернуть?
photo-upside-down = Фото вверх ногами. Перевернуть?
photo-screenshot = Это скриншот. Обрезать всё лишнее?
photo-screenshot-small = Это скриншот, и фотография в нём слишком маленькая, чтобы её вырезать. Лучше пришлите саму фотографию.
button-turn-photo = 🔄 Повернуть
button-crop-photo = ✂️ Обрезать
button-restore-photo = ↩️ Как прислано
button-fix-photo = { $count ->
    [one] 🛠 Поправить фото
   *[other] 🛠 Поправить фото: { $count }
}
button-fix-next = 🛠 Следующее фото

photos-ask-delete = <b>Удалить все фотографии аватара «{ $name }»?</b> Всего: { $photos }. Вернуть будет нельзя.

button-open-photos = 📷 Изменить фотографии
photos-open = 📷 Набор открыт: фотографии можно удалять и присылать новые (до { $maximum }). Модель остаётся прежней, пока вы не обучите аватар ещё раз.

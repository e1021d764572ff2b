button-my-avatars = 🖼 Мои аватары
button-open-avatar = Открыть аватар

avatar-type = { $type ->
    [portrait] портрет
   *[style] стиль
}

avatar-completed =
    <b>{ $name }</b> · { $type }

    ✅ Аватар готов. Обучен на: { $photos }.

avatars-empty = У вас пока нет аватаров. Создадим первый?
avatars-list = <b>Ваши аватары</b>

avatar-label = { $state ->
    [DRAFT] 📷
    [TRAINING] ⏳
   *[COMPLETED] ✅
} { $name }

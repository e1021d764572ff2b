button-my-avatars = 🖼 Менің аватарларым
button-open-avatar = Аватарды ашу

avatar-type = { $type ->
    [portrait] портрет
   *[style] стиль
}

avatar-completed =
    <b>{ $name }</b> · { $type }

    ✅ Аватар дайын. Оқытылды: { $photos }.

avatars-empty = Сізде әзірге аватар жоқ. Біріншісін жасаймыз ба?
avatars-list = <b>Сіздің аватарларыңыз</b>

avatar-label = { $state ->
    [DRAFT] 📷
    [TRAINING] ⏳
   *[COMPLETED] ✅
} { $name }

button-train = 🚀 Начать обучение
button-confirm = ✅ Да, начать
button-refresh = 🔄 Обновить
button-try-again = 🔁 Попробовать ещё раз

avatar-training =
    <b>{ $name }</b> · { $type }

    { $state ->
        [REQUESTED] ⏳ Готовлю фотографии и отправляю их на обучение.
        [SUBMITTING] ⏳ Отправляю обучение.
        [SUBMIT_UNKNOWN] ⏳ Обучение отправлено, но подтверждение ещё не пришло. Ничего делать не нужно: я выясняю и напишу.
        [SUBMITTED] ⏳ Обучение принято и ждёт своей очереди.
        [RUNNING] ⚙️ Обучение идёт.
        [OVERDUE] ⌛ Обучение идёт дольше обычного. Я продолжаю следить и напишу.
       *[CANCELLING] ✋ Обучение отменяется.
    }

avatar-drill =
    🧪 Учебный запуск: в FAL ничего не отправлено.
    Завершить его можно командой <code>python -m scripts.simulate_webhook { $training }</code>

avatar-smoke = 🧪 Это пробное обучение: модель получится негодной, и аватару она не достанется.

avatar-failed = ⚠️ В прошлый раз не получилось: { $reason }
avatar-retraining-failed = ⚠️ Обучить заново не получилось: { $reason } Прежняя модель работает, как раньше.
avatar-retraining-cancelled = ✋ Повторное обучение отменено. Прежняя модель работает, как раньше.

button-train = 🚀 Оқытуды бастау
button-confirm = ✅ Иә, бастау
button-refresh = 🔄 Жаңарту
button-try-again = 🔁 Қайталап көру

avatar-training =
    <b>{ $name }</b> · { $type }

    { $state ->
        [REQUESTED] ⏳ Фотосуреттерді дайындап, оқытуға жіберіп жатырмын.
        [SUBMITTING] ⏳ Оқытуды жіберіп жатырмын.
        [SUBMIT_UNKNOWN] ⏳ Оқыту жіберілді, бірақ растау әлі келген жоқ. Ештеңе істеудің қажеті жоқ: анықтап, жазамын.
        [SUBMITTED] ⏳ Оқыту қабылданды, кезегін күтіп тұр.
        [RUNNING] ⚙️ Оқыту жүріп жатыр.
        [OVERDUE] ⌛ Оқыту әдеттегіден ұзаққа созылды. Бақылап отырмын, жазамын.
       *[CANCELLING] ✋ Оқыту тоқтатылып жатыр.
    }

avatar-drill =
    🧪 Оқу-жаттығу: FAL-ға ештеңе жіберілген жоқ.
    Оны аяқтау үшін мына команданы орындаңыз: <code>python -m scripts.simulate_webhook { $training }</code>

avatar-smoke = 🧪 Бұл — сынақ оқытуы: моделі жарамсыз болады, аватарға берілмейді.

avatar-failed = ⚠️ Өткен жолы сәтсіз болды: { $reason }

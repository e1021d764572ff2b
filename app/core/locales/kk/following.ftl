button-train-again = 🔁 Қайта оқыту
button-cancel-training = ✋ Оқытуды тоқтату
button-cancel-confirm = ✋ Иә, тоқтату
button-cancel-not = ← Жоқ, оқытыла берсін

preset-label = { $preset ->
    [fast] ⚡ Жылдам
    [balanced] ⚖️ Қалыпты
   *[quality] 💎 Дәл
}

confirm-training =
    <b>«{ $name }» аватарын оқытамыз ба?</b>
    Түрі: { $type }, фото: { $count }, қадам: { NUMBER($steps, useGrouping: 0) }

confirm-smoke =
    <b>«{ $name }» аватарын сынап оқытамыз ба?</b>
    Түрі: { $type }, фото: { $count }, қадам: { NUMBER($steps, useGrouping: 0) }
    🧪 Бұл — жолды тексеру ғана: моделі жарамсыз болады, аватарға берілмейді.

usual-time = ⏱ Әдетте { $median }, 10 жағдайдың 9-ында ең көбі { $most }.
usual-time-unknown = ⏱ Қанша уақыт кететінін әзірге білмеймін.

duration = { $hours ->
    [0] { $minutes } мин
   *[other] { $hours } сағ { $minutes } мин
}

confirm-photos = 📦 Фото FAL AI-ға бір тәулікке жіберіледі, оқыту біткенше өзгермейді.

consent = ✍️ «Иә, бастау» дегеніңіз: фотода өзіңіз не рұқсат берген адам бар, фотоны оқыту үшін өңдеуге келісесіз.

confirm-faceless = ⚠️ Бет көрінбейтін фото: { $count } (барлығы { $have }). Портрет ұқсамай шығуы мүмкін.

confirm-cancel =
    <b>«{ $name }» аватарын оқытуды тоқтатамыз ба?</b>

    Мен FAL AI-дан оқытуды тоқтатуды сұраймын. Кезекте тұрса, кезектен алып тастайды. Жүріп жатса, тоқтатып үлгермеуі мүмкін: онда аватар дайын болады. Қалай болғанда да фотосуреттер орнында қалады, немен біткенін жазамын.

training-since = { $hours ->
    [0] { $minutes ->
        [0] Жаңа ғана басталды.
       *[other] { $minutes } минут бұрын басталды.
    }
   *[other] { $hours } сағат бұрын басталды.
}
training-known-in = 🕓 Оқыту жүріп жатқаны { $hours } сағаттан кешіктірмей белгілі болады. Жүрмесе, қайта бастауға болады; барлық фотосурет орнында қалады.
training-promise = Аватар дайын болғанда жазамын.
training-promise-cancelling = Немен біткенін жазамын.

training-position = 🔢 Кезектегі орны: { $position }.
training-progress = { $bar } { $percent } %
training-progress-left = { $bar } { $percent } % · шамамен { $left } қалды
training-preparing = 📥 FAL AI оқытуға керектінің бәрін жүктеп жатыр.

status-moved = ⬇️ Оқытудың қалай жүріп жатқаны — төмендегі хабарламада.
status-moved-up = ⬆️ Оқытудың қалай жүріп жатқаны — жоғарыдағы хабарламада.

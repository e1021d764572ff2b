photos-count = { $count } фотосурет

avatar-collecting =
    <b>{ $name }</b> · { $type }

    { $bar } { $minimum } ішінен { $have }

    Тағы { $left } фотосурет жіберіңіз: бір-бірден, альбоммен немесе файлмен. Қысқа жағы кемінде { $side } пиксель, { $megabytes } МБ-қа дейін.

avatar-ready =
    <b>{ $name }</b> · { $type }

    { $bar } { $photos }

    Оқытуды бастауға болады{ $room ->
        [0] .
       *[other] {" "}немесе тағы қосуға болады ({ $maximum } дейін).
    }

uploads-accepted = { $count ->
    [one] ✅ Принята { $count } фотография
    [few] ✅ Приняты { $count } фотографии
   *[many] ✅ Принято { $count } фотографий
}

uploads-advised = ⚠️ Сохранено, но можно лучше:
uploads-refused = ❌ Не подошло:
uploads-numbers = № { $numbers }
uploads-all = Все
uploads-left-out = Не вошли: { $numbers }.

uploads-more = { $count ->
    [one] …и ещё { $count } замечание.
    [few] …и ещё { $count } замечания.
   *[many] …и ещё { $count } замечаний.
}

uploads-waiting = 📷 Фотографии подождут: { $count }.
uploads-in-training = ⏳ Аватар «{ $name }» обучается: пока это не закончится, фотографии к нему не добавить.
uploads-closed = ✅ Аватар «{ $name }» уже готов. Чтобы добавить к нему фотографии, нажмите «Изменить фотографии» и пришлите их снова.

uploads-checking = 🔎 Проверяю фотографии: { $done } из { $sent }.

error-name-first = Ответьте на вопрос, и я добавлю их к новому аватару.
error-media-video = Видео не подойдёт: аватар учится на фотографиях. Пришлите снимки в JPEG, PNG, WebP или HEIC.
error-media-sticker = Стикер не подойдёт: аватар учится на фотографиях. Пришлите снимки.
error-media-sound = Голос и музыку я не понимаю. Пришлите фотографии или напишите словами.
error-photo-unavailable = Telegram не отдал этот файл. Отправьте фотографию ещё раз.

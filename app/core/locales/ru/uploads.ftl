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

uploads-checking = 🔎 Проверяю фотографии: { $done } из { $sent }.

error-name-first = Сначала напишите имя аватара сообщением, а потом пришлите эти фотографии ещё раз.
error-media-video = Видео не подойдёт: аватар учится на фотографиях. Пришлите снимки в JPEG, PNG, WebP или HEIC.
error-media-sticker = Стикер не подойдёт: аватар учится на фотографиях. Пришлите снимки.
error-media-sound = Голос и музыку я не понимаю. Пришлите фотографии, или напишите словами.
error-photo-unavailable = Telegram не отдал этот файл. Отправьте фотографию ещё раз.

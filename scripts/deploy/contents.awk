# What a dump holds, from its data as a script: its schema's revision, the rows of each table, and, into the file
# `photos`, a line for sha256sum about each photo.

BEGIN { FS = "\t" }

/^COPY / && !inside {
    split($0, part, / \(|\) FROM /)
    table = substr(part[1], length("COPY ") + 1)
    count = split(part[2], names, ", ")
    for (i = 1; i <= count; i++) column[names[i]] = i
    rows[table] = 0
    inside = 1
    next
}
inside && $0 == "\\." { inside = 0; next }
inside { rows[table]++ }
inside && table == "public.alembic_version" { print "revision " $1 }
# A bytea is written as \\x and its digits.
inside && table == "public.avatar_photos" {
    print substr($column["sha256"], 4) "  objects/" $column["storage_key"] > photos
}

END { for (table in rows) print "rows " table " " rows[table] }

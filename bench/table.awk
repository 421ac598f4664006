# table.awk - medians of what run.sh found, one row a proxy, and in brackets
# the ratio to the floor.

function median(list,    n, v, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) {
			t = v[j]
			v[j] = v[j - 1]
			v[j - 1] = t
		}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function show(title, work, key, scale, form,    i, p, value, base, cell) {
	base = 0
	if (("floor", work, key) in seen)
		base = median(seen["floor", work, key])
	for (i = 1; i <= count && !((name[i], work, key) in seen); i++)
		;
	if (i > count)
		return
	row = sprintf("%-46s", title)
	for (i = 1; i <= count; i++) {
		p = name[i]
		if (!((p, work, key) in seen)) {
			row = row sprintf(" %17s", "-")
			continue
		}
		value = median(seen[p, work, key])
		cell = sprintf(form, value * scale)
		if (base > 0 && p != "floor")
			cell = cell sprintf(" (%.2f)", value / base)
		row = row sprintf(" %17s", cell)
	}
	print row
}

{
	for (i = 3; i <= NF; i++) {
		split($i, part, "=")
		# Nobody is watched where there is no proxy.
		if ($1 == "direct" && part[1] == "cpu_us")
			continue
		seen[$1, $2, part[1]] = seen[$1, $2, part[1]] " " part[2]
	}
}

END {
	count = split(order, name, " ")
	row = sprintf("%-46s", "")
	for (i = 1; i <= count; i++)
		row = row sprintf(" %17s", name[i])
	print row
	show("POST, 256 connections: CPU us a request", "post", "cpu_us", 1, "%.1f")
	show("  requests/s", "post", "rate", 1, "%.0f")
	show("POST, one at a time: p50 us", "post1", "p50_us", 1, "%.1f")
	show("  p99 us", "post1", "p99_us", 1, "%.1f")
	show("  CPU us a request", "post1", "cpu_us", 1, "%.1f")
	show("POST, 10 events: CPU us a request", "answer", "cpu_us", 1, "%.1f")
	show("  events/s", "answer", "rate", 1, "%.0f")
	show("1,000 streams x 10/s x 256 B: CPU us an event", "paced", "cpu_us", 1, "%.1f")
	show("  p50 us", "paced", "p50_us", 1, "%.0f")
	show("  p99 us", "paced", "p99_us", 1, "%.0f")
	show("100 saturated streams, 256 B: M events/s", "small", "rate", 1e-6, "%.2f")
	show("  CPU us an event", "small", "cpu_us", 1, "%.3f")
	show("100 saturated streams, 16 KiB: GB/s", "large", "rate", 16384e-9, "%.2f")
	show("  CPU us an event", "large", "cpu_us", 1, "%.2f")
	show("connections with one POST each: per second", "connect", "rate", 1, "%.0f")
	show("  CPU us each", "connect", "cpu_us", 1, "%.1f")
	show("idle stream: user memory KiB", "idle", "kib", 1, "%.2f")
	show("system calls of a lone event", "calls", "calls", 1, "%.2f")
}

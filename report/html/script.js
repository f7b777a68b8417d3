'use strict';
(() => {
	if (!document.documentElement.classList.contains('js')) return;
	const PAGE = 100; // rows that are shown at once
	const PRINTED = 5000; // rows that are printed
	const $ = id => document.getElementById(id);
	const lines = id => $(id).textContent.split('\n').filter(line => line);
	const data = JSON.parse($('data').textContent);
	const records = lines('records');
	const raw = new Map(lines('raw').map(line => [parseInt(line.slice(1), 10), line]));

	// el makes an element. Texts become text nodes: nothing from a log is ever parsed as HTML.
	const el = (name, props, ...content) => {
		const node = Object.assign(document.createElement(name), props);
		node.append(...content);
		return node;
	};
	// named makes an object of an array, whose fields the data name.
	const named = (kind, values) => Object.fromEntries(data.names[kind].map((name, i) => [name, values[i]]));
	const record = number => {
		const r = named('record', JSON.parse(records[number]));
		r.evidence = r.evidence.map(values => named('place', values));
		r.meetings = r.meetings.map(values => named('meeting', values));
		return r;
	};
	const base = path => path.slice(Math.max(path.lastIndexOf('\\'), path.lastIndexOf('/')) + 1) || '(unknown)';
	const clip = (text, limit) => text.length > limit ? `${text.slice(0, limit)}… (${count(text.length - limit, 'more character')})` : text;
	const count = (n, one, more = `${one}s`) => `${n} ${n === 1 ? one : more}`;
	const title = r => `${clip(base(r.image), 300)} (${r.pid})`;
	const short = time => time && `${time.slice(0, 10)} ${time.slice(11, 23)}`;
	const level = name => el('span', {className: `level ${name}`}, name || 'no level');
	const ruleLink = number => el('a', {href: `#rule-${number}`}, data.rules[number]);
	const place = e => `${data.files[e.file]}, record ${e.recordID}, offset ${e.offset}${e.marks && `, ${e.marks}`}`;

	const form = $('filters'), table = $('finding-table');
	let matched = [], shown = 0, sort = 'time', down = false, texts = null;

	const decoded = r => r.decoded.length ? [' ', el('code', {className: 'command decoded'}, el('span', {className: 'note'}, 'decoded: '), clip(r.decoded.join('\n'), 2000))] : [];

	const note = text => [' ', el('span', {className: 'note'}, text)];
	const known = r => r.known ? note('known to the baseline') : [];
	const recovered = r => r.recovered ? note('recovered from an unused part of a log') : [];
	const meeting = m => `${count(m.total, 'process', 'processes')}${m.since && ` since ${m.since.slice(0, 19).replace('T', ' ')}`}`;
	const met = r => r.meetings.flatMap(m => note(`${data.rules[m.rule]}: ${meeting(m)}`));

	// Rows.
	const row = number => {
		const r = record(number);
		const more = el('div', {className: 'more'}, ...r.evidence.map(e => el('span', {className: 'path'}, place(e) + ' ')), `second decoder: ${r.check}`);
		return el('tr', {className: r.known ? 'dim' : ''},
			el('td', {}, el('time', {}, short(r.time))), el('td', {}, level(r.level), ...known(r)), el('td', {}, clip(r.host, 300)),
			el('td', {}, el('a', {href: `#p${number}`}, title(r)), ' ', el('code', {className: 'command'}, clip(r.command, 2000)), ...decoded(r), ...met(r), ...recovered(r), more),
			el('td', {}, clip(r.user, 300)), el('td', {}, ...r.rules.flatMap(n => [ruleLink(n), ' '])));
	};
	const append = count => {
		const part = matched.slice(shown, shown + count);
		table.tBodies[0].append(...part.map(row));
		shown += part.length;
		const left = matched.length - shown;
		$('show-more').hidden = left === 0;
		$('show-more').textContent = `Show ${Math.min(left, PAGE)} more of ${left}`;
	};
	const draw = () => {
		table.tBodies[0].replaceChildren();
		table.tBodies[0].classList.remove('plain');
		shown = 0;
		append(PAGE);
	};

	// Filters. Texts of records are searched as they stand, in JSON, so the words are written in JSON too.
	const words = query => query.toLowerCase().split(/\s+/).filter(word => word).map(word =>
		[word, JSON.stringify(word).slice(1, -1).replace(/[<>&]/g, c => '\\u00' + c.charCodeAt(0).toString(16))]);
	const hits = (names, word) => new Set(names.flatMap((name, i) => name.toLowerCase().includes(word) ? [i] : []));
	// instant reads a time, or the beginning of one, as records write it.
	const instant = input => {
		const text = input.value.trim().replace(' ', 'T').toUpperCase();
		const valid = /^(\d{4}(-\d\d(-\d\d(T(\d\d(:\d\d(:\d\d(\.\d*)?)?)?)?Z?)?)?)?)?$/.test(text);
		input.setAttribute('aria-invalid', String(!valid));
		return valid ? text.replace('Z', '') : '';
	};
	const filter = () => {
		const f = form.elements, host = f.host.value, least = Number(f.level.value), rule = f.rule.value, session = f.session.value;
		const from = instant(f.from), to = instant(f.to);
		const query = words(f.q.value).map(([word, written]) => ({written, rules: hits(data.rules ?? [], word)}));
		if (query.length && !texts) texts = records.slice(0, data.count).map(text => text.toLowerCase());
		matched = [];
		for (let i = 0; i < data.count; i++) {
			const time = data.time[i];
			if (data.level[i] < least || host !== '' && data.host[i] !== +host || session !== '' && data.session[i] !== +session ||
				rule !== '' && !data.rule[i].includes(+rule) || from && time < from || to && time.slice(0, to.length) > to) continue;
			if (query.every(q => texts[i].includes(q.written) || data.rule[i].some(n => q.rules.has(n)))) matched.push(i);
		}
		order();
		const sessions = new Set(matched.map(i => data.session[i]));
		for (const node of document.querySelectorAll('tr[data-session], article[data-session]')) node.hidden = !sessions.has(+node.dataset.session);
		sessions.delete(-1);
		$('matched').textContent = `${matched.length} of ${count(data.count, 'finding')}, ${sessions.size} of ${count((data.sessions ?? []).length, 'session')}` +
			(data.left ? `; ${count(data.left, 'further finding is', 'further findings are')} not in this file` : '');
		draw();
	};
	const order = () => {
		const column = {time: data.time, level: data.level, host: data.host.map(n => data.hosts[n])}[sort];
		const sign = down ? -1 : 1;
		matched.sort((a, b) => (column[a] < column[b] ? -sign : column[a] > column[b] ? sign : a - b));
	};
	const sortBy = head => {
		down = sort === head.dataset.sort ? !down : head.dataset.sort === 'level';
		sort = head.dataset.sort;
		for (const th of table.tHead.rows[0].cells) th.removeAttribute('aria-sort');
		head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
		order();
		draw();
	};

	// Details of one process.
	const dialog = $('detail');
	let open = -1;
	const pairs = list => el('table', {}, el('tbody', {}, ...list.filter(([, value]) => value !== '' && value != null).map(([name, value]) =>
		el('tr', {}, el('th', {scope: 'row'}, name), el('td', {}, value instanceof Node ? value : String(value))))));
	const block = (heading, ...content) => [el('h3', {}, heading), ...content];
	const fold = (summary, text) => {
		const details = el('details', {className: 'fold'}, el('summary', {}, summary));
		details.addEventListener('toggle', () => details.querySelector('pre') || details.append(el('pre', {}, text())), {once: true});
		return details;
	};
	const evidence = r => el('div', {className: 'scroll'}, el('table', {},
		el('thead', {}, el('tr', {}, ...['Event', 'Time (UTC)', 'Record', 'Offset', 'Channel', 'Marks', 'File'].map(name => el('th', {scope: 'col'}, name)))),
		el('tbody', {}, ...r.evidence.map(e => el('tr', {}, el('td', {}, String(e.eventID)), el('td', {}, el('time', {}, e.time)), el('td', {}, e.recordID),
			el('td', {}, `${e.offset} (0x${BigInt(e.offset).toString(16)})`), el('td', {}, e.channel), el('td', {}, e.marks), el('td', {className: 'path'}, data.files[e.file]))))));
	const body = (r, number) => {
		const parts = [pairs([['Host', r.host], ['Started (UTC)', r.time || 'before these logs'], ['Ended (UTC)', r.end], ['Image', r.image],
			['User', r.user], ['Integrity level', r.integrity], ['Known only from', r.recovered ? 'records that are no longer live' : '']])];
		if (r.command) parts.push(...block('Command line', el('pre', {}, r.command)));
		if (r.decoded.length) parts.push(...block('Decoded', el('pre', {}, r.decoded.join('\n'))));
		if (r.reasons.length) parts.push(...block('Why this level', el('ul', {}, ...r.reasons.map(n => el('li', {}, data.reasons[n])))));
		if (r.rules.length) parts.push(...block('Rules', el('ul', {}, ...r.rules.map(n => el('li', {}, ruleLink(n), ...r.meetings.filter(m => m.rule === n).flatMap(m => note(meeting(m))))))));
		parts.push(...block('Where it came from', pairs([['Parent', r.parentImage], ['Parent process ID', r.parentPID], ['Parent command line', r.parentCommand],
			['Ancestors', r.ancestors.map(base).join(' › ')], ['Links below the worker', r.depth || ''], ['Least certain link', r.link],
			['Worker', r.workerImage], ['Worker process ID', r.workerPID || ''], ['Worker command line', r.workerCommand],
			['Session', r.session < 0 ? '' : document.getElementById(`s${r.session}`) ? el('a', {href: `#s${r.session}`}, data.sessions[r.session]) : data.sessions[r.session]]])));
		parts.push(...block('Evidence', evidence(r)));
		parts.push(...block('All other fields', pairs([['Process GUID', r.guid], ...r.fields.map(([n, value]) => [data.fields[n], value])])));
		parts.push(...block('Second decoder (golang-evtx)', el('p', {}, r.check + (r.reason ? `: ${r.reason}` : ''))));
		parts.push(raw.has(number) ? fold('Raw event', () => JSON.stringify(JSON.parse(raw.get(number))[1], null, 2)) : el('p', {className: 'note'}, 'No raw event in this file.'));
		return parts;
	};
	const mark = hash => {
		try { history.replaceState(null, '', hash || location.pathname + location.search); } catch { /* a browser may forbid it for files */ }
	};
	const show = number => {
		const r = record(number);
		open = number;
		$('detail-h').replaceChildren(...(r.level ? [level(r.level), ' '] : []), title(r), ...known(r), ...recovered(r));
		$('detail-body').replaceChildren(...body(r, number));
		const at = matched.indexOf(number);
		$('previous').disabled = at <= 0;
		$('next').disabled = at < 0 || at === matched.length - 1;
		if (!dialog.open) dialog.showModal();
		dialog.scrollTop = 0;
		$('detail-h').focus();
		mark(`#p${number}`);
	};
	const step = by => {
		const next = matched[matched.indexOf(open) + by];
		if (next !== undefined) show(next);
	};
	const numberOf = hash => {
		const found = /^#p(\d+)$/.exec(hash);
		return found && +found[1] < records.length ? +found[1] : -1;
	};
	dialog.addEventListener('close', () => { if (numberOf(location.hash) >= 0) mark(''); });
	dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
	$('close').addEventListener('click', () => dialog.close());
	$('previous').addEventListener('click', () => step(-1));
	$('next').addEventListener('click', () => step(1));
	document.addEventListener('click', event => {
		const link = event.target.closest('a[href^="#"]');
		if (!link) return;
		const number = numberOf(link.hash);
		if (number >= 0) {
			event.preventDefault();
			show(number);
		} else if (dialog.open) {
			dialog.close();
		}
	});

	// Trees and paper.
	const unfold = (selector, state) => { for (const node of document.querySelectorAll(selector)) node.open = state; };
	$('open-all')?.addEventListener('click', () => unfold('#sessions details', true));
	$('close-all')?.addEventListener('click', () => unfold('#sessions details', false));
	let folded = [], before = 0;
	addEventListener('beforeprint', () => {
		folded = [...document.querySelectorAll('main details:not([open])')];
		for (const node of folded) node.open = true;
		if (!table) return;
		before = shown;
		append(Math.max(0, PRINTED - shown));
		const left = data.count + data.left - shown;
		$('print-left').textContent = left ? `${count(left, 'finding is', 'findings are')} not printed: filters or the length of the list left ${left === 1 ? 'it' : 'them'} out. CSV has all.` : '';
	});
	addEventListener('afterprint', () => {
		for (const node of folded) node.open = false;
		if (!table) return;
		const rows = table.tBodies[0].rows;
		while (rows.length > before) rows[rows.length - 1].remove();
		shown = before;
		append(0);
	});

	if (form && table) {
		(data.hosts ?? []).forEach((name, i) => form.elements.host.append(el('option', {value: i}, name)));
		(data.sessions ?? []).slice(0, 500).forEach((name, i) => form.elements.session.append(el('option', {value: i}, name)));
		form.addEventListener('input', filter);
		form.addEventListener('reset', () => setTimeout(filter));
		form.addEventListener('submit', event => event.preventDefault());
		$('show-more').addEventListener('click', () => {
			const first = shown;
			append(PAGE);
			table.tBodies[0].rows[first]?.querySelector('a')?.focus();
		});
		for (const head of table.tHead.rows[0].cells) {
			if (!head.dataset.sort) continue;
			const button = el('button', {type: 'button'}, head.textContent);
			button.addEventListener('click', () => sortBy(head));
			head.replaceChildren(button);
		}
		document.addEventListener('click', event => {
			const only = event.target.closest('button.only');
			if (!only) return;
			form.elements.session.value = only.dataset.session;
			filter();
			$('findings').scrollIntoView();
			table.querySelector('tbody a')?.focus({preventScroll: true});
		});
		filter();
	}
	if (numberOf(location.hash) >= 0) show(numberOf(location.hash));
})();

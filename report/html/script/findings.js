const form = $('filters'), table = $('finding-table');
let matched = [], shown = 0, sort = 'time', down = false;

const decoded = r => r.decoded.length ? [' ', el('code', {className: 'command decoded'}, el('span', {className: 'note'}, 'decoded: '), clip(r.decoded.join('\n'), 2000))] : [];

const note = text => [' ', el('span', {className: 'note'}, text)];
const known = r => r.known ? note('known to the baseline') : [];
const recovered = r => r.recovered ? note('recovered from an unused part of a log') : [];
const meeting = m => `${m.total}${m.since && ` since ${m.since.slice(0, 19).replace('T', ' ')}`}`;
const met = r => r.meetings.flatMap(m => note(`${data.rules[m.rule]}: ${meeting(m)}`));

// Rows.
const row = number => {
	const r = record(number);
	const more = el('div', {className: 'more'}, ...r.evidence.map(e => el('span', {className: 'path'}, place(e) + ' ')), `second decoder: ${r.check}`);
	const line = el('tr', {className: r.known || marks.get(number)?.mark === 'benign' ? 'dim' : ''},
		el('td', {}, el('time', {}, short(r.time))), el('td', {}, level(r.level), ...known(r), ...markNote(number)), el('td', {}, clip(r.host, 300)),
		el('td', {}, el('a', {href: `#p${number}`}, title(r)), ' ', el('code', {className: 'command'}, clip(r.command, 2000)), ...decoded(r), ...met(r), ...recovered(r), more,
			el('button', {type: 'button', className: 'copy', title: 'Copy this row'}, 'Copy')),
		el('td', {}, clip(r.user, 300)), el('td', {}, ...r.rules.flatMap(n => [ruleLink(n), ' '])));
	line.dataset.record = number;
	return line;
};
// Rows and sessions are shown some at a time, the first at once: all of them take longer than a reader should wait.
const SOME = 25;
let returning = []; // rows of sessions that are to be shown again
const showSome = () => {
	const rows = table.tBodies[0], drawn = rows.rows.length;
	rows.append(...matched.slice(drawn, Math.min(drawn + SOME, shown)).map(row));
	for (const line of returning.splice(0, SOME)) line.hidden = false;
	return rows.rows.length < shown || returning.length > 0;
};
const showAll = () => { while (showSome()); };
const idle = globalThis.requestIdleCallback ? act => requestIdleCallback(act, {timeout: 500}) : act => setTimeout(act, 20);
let showing = false;
const showRest = () => {
	showing = showSome();
	if (showing) idle(showRest);
};
// grow lets the table have more rows.
const grow = more => {
	shown = Math.min(shown + more, matched.length);
	const left = matched.length - shown;
	$('show-more').hidden = left === 0;
	$('show-more').textContent = `Show ${Math.min(left, PAGE)} more of ${left}`;
};
const draw = more => {
	grow(more);
	if (!showSome() || showing) return;
	showing = true;
	idle(showRest);
};

// held has the numbers of the texts of each finding, as far as they were read: they stand first in its record.
const held = [];
const hold = upto => {
	const lists = records.slice(held.length, upto).map(line => line.slice(1, line.indexOf(']') + 1));
	for (const list of JSON.parse(`[${lists}]`)) held.push(list);
};
const holdMore = () => {
	hold(Math.min(held.length + 5000, data.count));
	idle(held.length < data.count ? holdMore : lowerMore);
};
// lower has the texts in small letters, as far as they were made so.
const lower = [];
const lowerUpto = upto => { while (lower.length < upto) lower.push(texts[lower.length].toLowerCase()); };
const lowerMore = () => {
	lowerUpto(Math.min(lower.length + 10_000, texts.length));
	idle(lower.length < texts.length ? lowerMore : rankMore);
};
// sought is a word that is searched for, with the numbers of the texts that have it. A text is searched once, however many findings
// have it, and only if it has what the word was while less of it was typed.
const sought = (word, before) => {
	lowerUpto(texts.length);
	const within = before.find(other => word.includes(other.word))?.found ?? lower.keys(), found = [], having = new Uint8Array(lower.length);
	for (const n of within) {
		if (!lower[n].includes(word)) continue;
		found.push(n);
		having[n] = 1;
	}
	const rules = hits((data.rules ?? []).map((title, i) => `${title} ${data.labels[i]}`), word);
	return {word, capital: word.toUpperCase(), found, having, rules};
};
// The rest of a record has numbers, times and GUIDs, these in capitals.
const has = (number, word) => held[number].some(n => word.having[n]) || data.rule[number].some(n => word.rules.has(n)) ||
	records[number].includes(word.capital, records[number].indexOf(']')) || data.time[number].includes(word.capital);
const words = query => query.toLowerCase().split(/\s+/).filter(word => word);
const hits = (names, word) => new Set(names.flatMap((name, i) => name.toLowerCase().includes(word) ? [i] : []));
// instant reads a time, or the beginning of one, as records write it.
const instant = input => {
	const text = input.value.trim().replace(' ', 'T').toUpperCase();
	const valid = /^(\d{4}(-\d\d(-\d\d(T(\d\d(:\d\d(:\d\d(\.\d*)?)?)?)?Z?)?)?)?)?$/.test(text);
	input.setAttribute('aria-invalid', String(!valid));
	return valid ? text.replace('Z', '') : '';
};
const isMarked = (number, as) => {
	const m = marks.get(number);
	return as === 'none' ? !m?.mark : as === 'note' ? Boolean(m?.note) : m?.mark === as;
};
const sessionNodes = [...document.querySelectorAll('tr[data-session], article[data-session]')];
const showSessions = numbers => {
	returning = [];
	for (const node of sessionNodes) {
		const wanted = numbers.has(+node.dataset.session);
		if (wanted && node.hidden && node.matches('tr')) returning.push(node);
		else node.hidden = !wanted;
	}
};
// What was last filtered by. Who types more of a search only narrows what it found.
let asked = {query: '', words: [], others: null};
const narrows = (query, others) => others === asked.others && query.startsWith(asked.query);
const filter = () => {
	const f = form.elements, host = f.host.value, least = Number(f.level.value), rule = f.rule.value, session = f.session.value, wanted = f.mark.value;
	const from = instant(f.from), to = instant(f.to);
	const query = words(f.q.value).map(word => asked.words.find(other => other.word === word) ?? sought(word, asked.words));
	if (query.length) hold(data.count);
	const others = wanted ? null : [host, least, rule, session, from, to, sort, down].join('\n'); // marks may change between two searches
	const among = others !== null && narrows(f.q.value, others) ? matched : inOrder();
	asked = {query: f.q.value, words: query, others};
	matched = [];
	for (const i of among) {
		const time = data.time[i];
		if (data.level[i] < least || host !== '' && data.host[i] !== +host || session !== '' && data.session[i] !== +session ||
			rule !== '' && !data.rule[i].includes(+rule) || wanted && !isMarked(i, wanted) || from && time < from || to && time.slice(0, to.length) > to) continue;
		if (query.every(word => has(i, word))) matched.push(i);
	}
	markOrder();
	keepState();
	const sessions = new Set(matched.map(i => data.session[i]));
	showSessions(sessions);
	sessions.delete(-1);
	$('matched').textContent = `${matched.length} of ${count(data.count, 'finding')}, ${sessions.size} of ${count((data.sessions ?? []).length, 'session')}` +
		(data.left ? `; ${count(data.left, 'further finding is', 'further findings are')} not in this file` : '');
	table.tBodies[0].replaceChildren();
	table.tBodies[0].classList.remove('plain');
	shown = 0;
	draw(PAGE);
};
// column returns what a finding is sorted by.
const column = name => {
	switch (name) {
	case 'time': return i => data.time[i];
	case 'level': return i => data.level[i];
	case 'host': return i => data.hosts[data.host[i]];
	case 'rules': return i => data.rule[i].map(n => data.rules[n]).join().toLowerCase();
	}
	hold(data.count);
	const text = (i, name) => texts[held[i][data.names.texts.indexOf(name)]];
	return i => (name === 'user' ? text(i, 'user') : `${base(text(i, 'image'))} ${text(i, 'command')}`).toLowerCase();
};
// ranking gives each finding the rank of its value in a column: what many findings have in common is compared once. It yields where a
// reader may come between. What is sorted in pieces is soon merged.
const ranks = {};
function* ranking(name) {
	const value = column(name), values = [], sorted = [], rank = new Map(), of = new Uint32Array(data.count);
	while (values.length < data.count) {
		const piece = Array.from({length: Math.min(5000, data.count - values.length)}, (_, i) => value(values.length + i));
		values.push(...piece);
		sorted.push(...[...new Set(piece)].sort());
		yield;
	}
	sorted.sort();
	yield;
	for (const value of sorted) if (!rank.has(value)) rank.set(value, rank.size);
	yield;
	for (let i = 0; i < of.length; i++) of[i] = rank.get(values[i]);
	ranks[name] = {of, count: rank.size};
}
const rankings = Object.fromEntries(['process', 'user', 'rules', 'host', 'time', 'level'].map(name => [name, null]));
const rankSome = name => (rankings[name] ??= ranking(name)).next();
const ranked = name => {
	while (!ranks[name]) rankSome(name);
	return ranks[name];
};
const rankMore = () => {
	const name = Object.keys(rankings).find(name => !ranks[name]);
	if (!name) return;
	rankSome(name);
	idle(rankMore);
};
// inOrder returns the numbers of all findings in the order that is asked for, which is made once: those of each rank as they come.
const orders = {};
const inOrder = () => orders[`${sort} ${down}`] ??= (() => {
	const {of, count} = ranked(sort), rank = i => down ? count - 1 - of[i] : of[i];
	const next = new Uint32Array(count + 1), order = new Uint32Array(of.length);
	for (let i = 0; i < of.length; i++) next[rank(i) + 1]++;
	for (let n = 0; n < count; n++) next[n + 1] += next[n];
	for (let i = 0; i < of.length; i++) order[next[rank(i)]++] = i;
	return order;
})();
const markOrder = () => {
	for (const th of table.tHead.rows[0].cells) {
		if (th.dataset.sort === sort) th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
		else th.removeAttribute('aria-sort');
	}
};
const sortBy = head => {
	down = sort === head.dataset.sort ? !down : head.dataset.sort === 'level';
	sort = head.dataset.sort;
	filter();
};

// The state of the filters stands in the address behind a question mark, as #?q=whoami&sort=-level: hosts and rules by name.
const state = () => {
	const f = form.elements, s = new URLSearchParams();
	const add = (name, value) => value && s.set(name, value);
	add('q', f.q.value);
	add('host', data.hosts?.[f.host.value]);
	add('level', f.level.value !== '0' && f.level.value);
	add('rule', data.labels?.[f.rule.value]);
	for (const name of ['session', 'from', 'to', 'mark']) add(name, f[name].value);
	add('sort', (sort !== 'time' || down) && (down ? '-' : '') + sort);
	return String(s);
};
// chooseSession filters by the session of a number, also by one that the list leaves out.
const chooseSession = number => {
	const list = form.elements.session, name = /^\d+$/.test(number) && data.sessions?.[number];
	list.value = number;
	if (list.selectedIndex >= 0) return;
	if (name) list.append(el('option', {value: number}, name));
	list.value = name ? number : '';
};
const keepState = () => {
	const [place] = location.hash.split('?');
	mark(state() ? `${place || '#'}?${state()}` : place.length > 1 ? place : '');
};
const takeState = () => {
	const s = new URLSearchParams(location.hash.split('?')[1] ?? ''), f = form.elements;
	const number = (list, name) => { const n = (list ?? []).indexOf(s.get(name)); return n < 0 ? '' : String(n); };
	for (const name of ['q', 'from', 'to', 'mark']) f[name].value = s.get(name) ?? '';
	chooseSession(s.get('session') ?? '');
	f.host.value = number(data.hosts, 'host');
	f.rule.value = number(data.labels, 'rule');
	f.level.value = /^[1-5]$/.test(s.get('level')) ? s.get('level') : '0';
	const by = /^(-?)(time|level|host|process|user|rules)$/.exec(s.get('sort') ?? '');
	[down, sort] = by ? [by[1] === '-', by[2]] : [false, 'time'];
	if (f.mark.selectedIndex < 0) f.mark.value = '';
};

// What is filtered, as rows of texts.
const csvNames = ['host', 'time', 'level', 'rules', 'image', 'command_line', 'decoded_command', 'process_id', 'process_guid', 'user', 'integrity_level', 'parent_image',
	'parent_command_line', 'parent_process_id', 'worker_image', 'worker_process_id', 'worker_command_line', 'depth', 'link', 'session', 'recovered', 'known', 'file', 'record_id', 'offset', 'channel', 'event_id', 'level_reasons'];
const cells = number => {
	const r = record(number), e = r.evidence[0] ?? {file: -1, recordID: '', offset: '', channel: '', eventID: ''};
	return [r.host, r.time, r.level, r.rules.map(n => data.labels[n]).join(';'), r.image, r.command, r.decoded.join('\n'), r.pid, r.guid, r.user, r.integrity, r.parentImage,
		r.parentCommand, r.parentPID, r.workerImage, r.workerPID || '', r.workerCommand, r.depth, r.link, data.sessions?.[r.session] ?? '', r.recovered, r.known,
		data.files?.[e.file] ?? '', e.recordID, e.offset, e.channel, e.eventID, r.reasons.map(n => data.reasons[n]).join(';')];
};
const copiedCells = number => {
	const r = record(number);
	return [r.time, r.level, r.host, title(r), r.command, r.decoded.join(' '), r.user, r.rules.map(n => data.rules[n]).join(';')];
};

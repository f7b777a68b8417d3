if (!document.documentElement.classList.contains('js')) return;
const PAGE = 100; // rows that are shown at once
const PRINTED = 5000; // rows that are printed
const $ = id => document.getElementById(id);
const lines = id => $(id).textContent.split('\n').filter(line => line);
const data = JSON.parse($('data').textContent);
const texts = JSON.parse(`[${lines('texts')}]`);
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
	const r = named('record', JSON.parse(records[number])), own = r.texts.map(n => texts[n]), first = data.names.texts.length, after = first + r.decoded + r.ancestors;
	data.names.texts.forEach((name, i) => { r[name] = own[i]; });
	r.ancestors = own.slice(first + r.decoded, after);
	r.decoded = own.slice(first, first + r.decoded);
	r.fields = data.fieldSets[r.fields].map((n, i) => [n, own[after + i]]);
	if (number < data.count) r.time = data.time[number];
	r.evidence = r.evidence.map(values => named('place', values)).map(e => ({...e, time: e.time === 0 ? r.time : e.time, channel: texts[e.channel], marks: texts[e.marks]}));
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

// Cells that a spreadsheet would take for a formula begin with an apostrophe, as in the CSV of the program.
const guarded = text => /^[ \u00a0\ufeff]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
const csvCell = value => {
	const text = guarded(String(value));
	return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const csvLines = rows => rows.map(cells => `${cells.map(csvCell).join()}\r\n`).join('');
// A spreadsheet takes a quotation mark in what is pasted for one around a cell.
const tabCell = value => {
	const text = guarded(String(value)).replace(/[\t\r\n]+/g, ' ');
	return text.includes('"') ? `"${text.replaceAll('"', '""')}"` : text;
};
const tabLines = rows => rows.map(cells => cells.map(tabCell).join('\t')).join('\n');

// save hands a text to the browser as a file.
const save = (name, type, text) => {
	const link = el('a', {href: URL.createObjectURL(new Blob([text], {type})), download: name});
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};
// copy puts a text on the clipboard, and says so on the button.
const copy = async (button, text) => {
	let done = true;
	try { await navigator.clipboard.writeText(text); } catch {
		const area = el('textarea', {value: text});
		(button.closest('dialog') ?? document.body).append(area);
		area.select();
		done = document.execCommand('copy');
		area.remove();
		button.focus();
	}
	const label = button.textContent;
	button.textContent = done ? 'Copied' : 'Not copied';
	setTimeout(() => { button.textContent = label; }, 1500);
};
// mark replaces the fragment of the address.
const mark = hash => {
	try { history.replaceState(null, '', hash || location.pathname + location.search); } catch { /* a browser may forbid it for files */ }
};

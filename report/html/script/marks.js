// Marks: what the reader notes of findings. They are kept in the browser, if it keeps anything of this file, one entry for each finding.
const marks = new Map(data.marks.map(([number, mark, note]) => [number, {mark, note}]));
const markKey = r => ({host: r.host, process_id: r.pid, time: r.time});
const storeKey = r => `webshellscan ${JSON.stringify(Object.values(markKey(r)))}`;
let keeps = true;
const parsed = text => { try { return JSON.parse(text); } catch { return null; } };
const readMarks = () => {
	try {
		const kept = Object.keys(localStorage).filter(key => key.startsWith('webshellscan ['));
		const times = new Set(kept.map(key => parsed(key.slice(key.indexOf('[')))?.[2]));
		data.time.forEach((time, i) => {
			const found = times.has(time) ? parsed(localStorage.getItem(storeKey(record(i)))) : null;
			if (!(found instanceof Object)) return;
			const {mark, note} = found;
			if (!mark && !note) marks.delete(i);
			else marks.set(i, {mark: ['seen', 'benign'].includes(mark) ? mark : '', note: String(note ?? '')});
		});
	} catch { keeps = false; }
};
const setMark = (number, change) => {
	const now = {mark: '', note: '', ...marks.get(number), ...change};
	if (now.mark || now.note) marks.set(number, now);
	else marks.delete(number);
	try { localStorage.setItem(storeKey(record(number)), JSON.stringify(now)); } catch { keeps = false; }
	$('save-marks').disabled = marks.size === 0;
};
const markNote = number => {
	const m = marks.get(number);
	return m ? [...(m.mark ? [' ', el('span', {className: `mark ${m.mark}`}, m.mark)] : []), ...(m.note ? [' ', el('span', {className: 'note'}, `note: ${clip(m.note, 300)}`)] : [])] : [];
};
const marksFile = () => JSON.stringify({kind: 'webshellscan marks', version: 1,
	marks: [...marks].filter(([number]) => number < data.count).sort(([a], [b]) => a - b).map(([number, m]) => ({...markKey(record(number)), ...m}))}, null, '\t');
// redraw shows the row of a finding anew.
const redraw = number => table.querySelector(`tr[data-record="${number}"]`)?.replaceWith(row(number));

// marker is where the details of a finding are marked.
const marker = number => {
	const buttons = ['seen', 'benign'].map(name => {
		const button = el('button', {type: 'button', className: 'marker', ariaPressed: String(marks.get(number)?.mark === name)}, name === 'seen' ? 'Seen' : 'Benign');
		button.addEventListener('click', () => {
			const on = marks.get(number)?.mark !== name;
			setMark(number, {mark: on ? name : ''});
			for (const other of buttons) other.ariaPressed = String(on && other === button);
			redraw(number);
		});
		return button;
	});
	const text = el('textarea', {rows: 2, maxLength: 4000, value: marks.get(number)?.note ?? ''});
	text.addEventListener('input', () => { setMark(number, {note: text.value}); redraw(number); });
	return [el('div', {className: 'marking'}, ...buttons, el('label', {}, 'Note ', text)),
		...(keeps ? [] : [el('p', {className: 'note'}, 'This browser keeps no marks: save them.')])];
};

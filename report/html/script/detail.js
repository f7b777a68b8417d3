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
const evidence = r => el('div', {className: 'scroll', tabIndex: 0}, el('table', {},
	el('thead', {}, el('tr', {}, ...['Event', 'Time (UTC)', 'Record', 'Offset', 'Channel', 'Marks', 'File'].map(name => el('th', {scope: 'col'}, name)))),
	el('tbody', {}, ...r.evidence.map(e => el('tr', {}, el('td', {}, String(e.eventID)), el('td', {}, el('time', {}, e.time)), el('td', {}, e.recordID),
		el('td', {}, `${e.offset} (0x${BigInt(e.offset).toString(16)})`), el('td', {}, e.channel), el('td', {}, e.marks), el('td', {className: 'path'}, data.files[e.file]))))));
const body = (r, number) => {
	const parts = [...(number < data.count ? marker(number) : []), pairs([['Host', r.host], ['Started (UTC)', r.time || 'before these logs'], ['Ended (UTC)', r.end], ['Image', r.image],
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
// query is the state of the filters as it stands in the address.
const query = () => form && table && state() ? `?${state()}` : '';
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
	mark(`#p${number}${query()}`);
};
const step = by => {
	const next = matched[matched.indexOf(open) + by];
	if (next !== undefined) show(next);
};
const numberOf = hash => {
	const found = /^#p(\d+)(\?|$)/.exec(hash);
	return found && +found[1] < records.length ? +found[1] : -1;
};
dialog.addEventListener('close', () => { if (numberOf(location.hash) >= 0) mark(query() && `#${query()}`); });
dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
$('close').addEventListener('click', () => dialog.close());
$('copy').addEventListener('click', () => copy($('copy'), tabLines([csvNames, cells(open)].slice(open < data.count ? 0 : 1))));
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

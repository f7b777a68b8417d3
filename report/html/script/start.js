// What is scrolled to is not below what stays at the top, however high that is.
function keepClear() {
	const bars = [...document.querySelectorAll('body > header, .filters')].filter(bar => getComputedStyle(bar).position === 'sticky');
	document.documentElement.style.scrollPaddingTop = `${bars.reduce((height, bar) => height + bar.offsetHeight, 8)}px`;
}
keepClear();
addEventListener('resize', keepClear);
if (form && table) {
	(data.hosts ?? []).forEach((name, i) => form.elements.host.append(el('option', {value: i}, name)));
	(data.sessions ?? []).slice(0, 500).forEach((name, i) => form.elements.session.append(el('option', {value: i}, name)));
	form.addEventListener('input', filter);
	form.addEventListener('reset', () => setTimeout(filter));
	form.addEventListener('submit', event => event.preventDefault());
	$('save-csv').addEventListener('click', () => save('findings.csv', 'text/csv', `\ufeff${csvLines([csvNames, ...matched.map(cells)])}`));
	$('save-marks').addEventListener('click', () => save('marks.json', 'application/json', marksFile()));
	$('copy-rows').addEventListener('click', () => copy($('copy-rows'), tabLines(matched.slice(0, shown).map(copiedCells))));
	table.addEventListener('click', event => {
		const button = event.target.closest('button.copy');
		if (button) copy(button, tabLines([copiedCells(+button.closest('tr').dataset.record)]));
	});
	addEventListener('hashchange', () => {
		if (!location.hash.includes('?')) return keepState();
		takeState();
		filter();
	});
	$('show-more').addEventListener('click', () => {
		showAll();
		const first = shown;
		draw(PAGE);
		table.tBodies[0].rows[first]?.querySelector('a')?.focus();
	});
	for (const head of table.tHead.rows[0].cells) {
		if (!head.dataset.sort) continue;
		sortButton(head, () => sortBy(head));
	}
	document.addEventListener('click', event => {
		const only = event.target.closest('button.only');
		if (!only) return;
		chooseSession(only.dataset.session);
		filter();
		$('findings').scrollIntoView();
		table.querySelector('tbody a')?.focus({preventScroll: true});
	});
	readMarks();
	$('save-marks').disabled = marks.size === 0;
	takeState();
	filter();
	showAll();
	idle(holdMore);
	if (location.hash.includes('?')) document.getElementById(location.hash.slice(1).split('?')[0])?.scrollIntoView();
}
for (const other of document.querySelectorAll('table.sorts')) sortable(other);
if (numberOf(location.hash) >= 0) show(numberOf(location.hash));

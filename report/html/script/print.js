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

// Trees and paper.
const unfold = (selector, state) => { for (const node of document.querySelectorAll(selector)) node.open = state; };
$('open-all')?.addEventListener('click', () => unfold('#sessions details', true));
$('close-all')?.addEventListener('click', () => unfold('#sessions details', false));
// On paper there are the sessions to read first, and of all findings an appendix if it is asked for.
const PAPERED = 25; // sessions that are printed
const root = document.documentElement;
let folded = [], before = 0;
const unprinted = () => {
	if (!$('sessions-left')) return;
	const first = document.querySelectorAll('article.session.first:not([hidden])');
	const list = [...(first.length ? first : document.querySelectorAll('article.session:not([hidden])'))].slice(0, PAPERED);
	for (const card of document.querySelectorAll('article.session')) card.classList.toggle('unprinted', !list.includes(card));
	const left = (data.sessions ?? []).length - list.length;
	$('sessions-left').textContent = left > 0 ? `${count(left, 'further session is', 'further sessions are')} not printed.` : '';
};
addEventListener('beforeprint', () => {
	const appendix = root.classList.contains('appendix');
	unprinted();
	if (table) showAll();
	folded = [...document.querySelectorAll(appendix ? 'main details:not([open])' : 'article.session:not(.unprinted) > details.process-tree:not([open])')];
	for (const node of folded) node.open = true;
	if (!table || !appendix) return;
	before = shown;
	grow(Math.max(0, PRINTED - shown));
	showAll();
	const left = data.count + data.left - shown;
	$('print-left').textContent = left ? `${count(left, 'finding is', 'findings are')} not printed: filters or the length of the list left ${left === 1 ? 'it' : 'them'} out. CSV has all.` : '';
});
addEventListener('afterprint', () => {
	for (const node of folded) node.open = false;
	if (!table || !root.classList.contains('appendix')) return;
	const rows = table.tBodies[0].rows;
	while (rows.length > before) rows[rows.length - 1].remove();
	shown = before;
	grow(0);
});
$('appendix').addEventListener('change', event => root.classList.toggle('appendix', event.target.checked));
$('print').addEventListener('click', () => print());

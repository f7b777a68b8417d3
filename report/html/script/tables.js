// Tables whose rows all stand in the page.
const LEVELS = ['no level', 'informational', 'low', 'medium', 'high', 'critical', 'notice', 'warning', 'alarm'];
const sortButton = (head, act) => {
	const button = el('button', {type: 'button'}, head.textContent);
	button.addEventListener('click', act);
	head.replaceChildren(button);
};
// valueOf is what a cell is sorted by: a level by how grave it is, numbers by their value.
const valueOf = (cell, numeric) => {
	const text = cell.textContent.trim(), mark = cell.querySelector('.level');
	if (mark) return LEVELS.indexOf(mark.textContent);
	return numeric ? parseFloat(text) || 0 : text.toLowerCase();
};
const sortable = other => {
	const heads = [...other.tHead.rows[0].cells];
	heads.forEach((head, at) => sortButton(head, () => {
		const numeric = head.classList.contains('num'), down = head.getAttribute('aria-sort') === 'ascending';
		const rows = [...other.tBodies[0].rows].map(line => [valueOf(line.cells[at], numeric), line]);
		const sign = down ? -1 : 1;
		rows.sort(([a], [b]) => a < b ? -sign : a > b ? sign : 0);
		for (const th of heads) th.removeAttribute('aria-sort');
		head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
		other.tBodies[0].append(...rows.map(([, line]) => line));
	}));
};

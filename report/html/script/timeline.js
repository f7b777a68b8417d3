// The time line, drawn anew for a shorter time or for one host, from the findings that this file holds.
const line = $('timeline'), timed = line && data.time.some(time => time);
if (line && !timed) $('timeline-acts').remove();
if (line && timed) {
	const instantOf = time => time ? Date.parse(`${time.slice(0, 23).replace('Z', '')}Z`) : NaN;
	const at = data.time.map(instantOf);
	const num = name => Number(line.dataset[name]), plot = {left: num('left'), right: num('right'), top: num('top')};
	const lanes = [...line.querySelectorAll('g[data-host]')].map(node => ({node, host: (data.hosts ?? []).indexOf(node.dataset.host)}));
	const all = {from: instantOf(line.dataset.from), to: instantOf(line.dataset.to)};
	let view = {...all};
	const names = ['', 'informational', 'low', 'medium', 'high', 'critical'];
	const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, ...[1, 2, 5, 10, 30].map(s => s * 1000), ...[1, 2, 5, 10, 15, 30].map(m => m * 60_000), ...[1, 2, 3, 6, 12].map(h => h * 3600_000), ...[1, 2, 7, 14, 30, 90, 180, 365].map(d => d * 86400_000)];
	const WIDTH = 6, ROOM = 24; // of a bar
	const place = t => plot.left + (t - view.from) / Math.max(view.to - view.from, 1) * (plot.right - plot.left);
	const stamp = t => new Date(t).toISOString();
	const shownTime = t => stamp(t).slice(0, 23).replace('T', ' ');

	const drawTicks = () => {
		for (const node of line.querySelectorAll('.grid, .tick')) node.remove();
		const span = view.to - view.from, step = STEPS.find(s => span / s <= 6) ?? STEPS.at(-1);
		const text = t => step >= 86400_000 ? stamp(t).slice(0, 10) : span > 43200_000 ? stamp(t).slice(5, 16).replace('T', ' ') : step >= 60_000 ? stamp(t).slice(11, 16) : step >= 1000 ? stamp(t).slice(11, 19) : stamp(t).slice(11, 23);
		for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
			const x = place(t);
			line.append(svg('line', {class: 'grid', x1: x, x2: x, y1: plot.top, y2: line.viewBox.baseVal.height - 4}),
				svg('text', {class: x > plot.right - 60 ? 'tick end' : 'tick', x, y: 14}, text(t)));
		}
	};
	const drawLane = ({node, host}) => {
		for (const bar of node.querySelectorAll('rect')) bar.remove();
		const bars = new Map(), y = Number(node.querySelector('.axis').getAttribute('y1'));
		for (let i = 0; i < data.count; i++) {
			if (data.host[i] !== host || !(at[i] >= view.from && at[i] <= view.to)) continue;
			const n = Math.min(Math.floor((place(at[i]) - plot.left) / WIDTH), Math.floor((plot.right - plot.left) / WIDTH) - 1);
			const bar = bars.get(n) ?? {count: 0, level: 0, first: at[i]};
			bars.set(n, {count: bar.count + 1, level: Math.max(bar.level, data.level[i]), first: Math.min(bar.first, at[i])});
		}
		for (const [n, bar] of bars) {
			const height = Math.min(ROOM, 6 + Math.floor(6 * Math.log2(bar.count)));
			node.append(svg('rect', {class: names[bar.level], x: plot.left + n * WIDTH, y: y - height, width: WIDTH - 1, height},
				svg('title', {}, `${count(bar.count, 'finding')} from ${shownTime(bar.first)}`)));
		}
	};
	const drawLine = () => {
		drawTicks();
		for (const lane of lanes) drawLane(lane);
		$('timeline-range').textContent = `${shownTime(view.from)} to ${shownTime(view.to)} UTC`;
	};
	const look = (from, to) => {
		const span = Math.min(Math.max(to - from, 10), all.to - all.from || 10);
		from = Math.min(Math.max(from, all.from), all.to - span);
		view = {from, to: from + span};
		drawLine();
	};
	const zoomTime = (factor, around = (view.from + view.to) / 2) => look(around - (around - view.from) * factor, around + (view.to - around) * factor);
	const move = by => look(view.from + by * (view.to - view.from), view.to + by * (view.to - view.from));
	const acts = {in: () => zoomTime(0.5), out: () => zoomTime(2), back: () => move(-0.5), on: () => move(0.5), all: () => look(all.from, all.to)};
	for (const [name, act] of Object.entries(acts)) $(`timeline-${name}`).addEventListener('click', act);
	$('timeline-filter').addEventListener('click', () => {
		form.elements.from.value = stamp(view.from).slice(0, 23).replace('T', ' ');
		form.elements.to.value = stamp(view.to).slice(0, 23).replace('T', ' ');
		filter();
	});
	$('timeline-host').append(...lanes.map(({node}, i) => el('option', {value: i}, node.dataset.host)));
	$('timeline-host').addEventListener('change', event => lanes.forEach(({node}, i) => node.classList.toggle('away', event.target.value !== '' && +event.target.value !== i)));

	// A stretch that is dragged over is looked at.
	const timeAt = event => {
		const x = new DOMPoint(event.clientX, 0).matrixTransform(line.getScreenCTM().inverse()).x;
		return view.from + (Math.min(Math.max(x, plot.left), plot.right) - plot.left) / (plot.right - plot.left) * (view.to - view.from);
	};
	let start = null;
	line.addEventListener('pointerdown', event => { start = timeAt(event); });
	line.addEventListener('pointerup', event => {
		const end = timeAt(event);
		if (start !== null && Math.abs(end - start) > (view.to - view.from) / 100) look(Math.min(start, end), Math.max(start, end));
		start = null;
	});
}

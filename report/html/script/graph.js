// The tree of a session as a drawing, made of the tree that stands in the page.
const SVG = 'http://www.w3.org/2000/svg';
const svg = (name, attributes, ...content) => {
	const node = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
	node.append(...content);
	return node;
};
const BOX = {width: 250, height: 40, across: 300, down: 52, columns: 36}; // columns: characters of a line
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// nodesOf lists the processes of a tree with their places: a child stands right of its parent, the first at its height.
const nodesOf = tree => {
	const nodes = [];
	let rows = 0;
	const add = (item, parent, depth) => {
		const line = item.querySelector(':scope > .line'), link = line?.querySelector('a');
		if (!link) return;
		const node = {parent, x: depth * BOX.across, y: 0, name: link.textContent, record: numberOf(link.hash), found: item.classList.contains('found'),
			level: line.querySelector(':scope > .level')?.textContent ?? '', command: line.querySelector(':scope > code')?.textContent ?? '', time: line.querySelector(':scope > time')?.textContent ?? ''};
		nodes.push(node);
		const children = [...item.querySelectorAll(':scope > details > ul > li')], before = rows;
		node.y = rows * BOX.down;
		for (const child of children) add(child, node, depth + 1);
		if (rows === before) rows++;
	};
	for (const item of tree.children) add(item, null, 0);
	return nodes;
};
const cut = (text, most) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

const drawNode = node => {
	const label = (text, y, size, fill) => svg('text', {x: node.x + 12, y: node.y + y, 'font-size': size, fill, 'font-family': 'DejaVu Sans, Segoe UI, sans-serif'}, cut(text, BOX.columns));
	const box = svg('g', {tabindex: 0, role: 'button', 'aria-label': `${node.level} ${node.name} ${node.command}`},
		svg('title', {}, `${node.time} ${node.name}\n${node.command}`),
		svg('rect', {x: node.x, y: node.y, width: BOX.width, height: BOX.height, rx: 4, fill: colour('card'), stroke: colour(node.found ? 'text' : 'line')}),
		svg('rect', {x: node.x, y: node.y, width: 6, height: BOX.height, fill: node.level ? colour(node.level) : colour('line')}),
		label(node.name, 16, 12.5, colour(node.found ? 'text' : 'soft')), label(node.command, 32, 10.5, colour('soft')));
	const act = () => show(node.record);
	box.addEventListener('click', act);
	box.addEventListener('keydown', event => {
		if (event.key !== 'Enter' && event.key !== ' ') return;
		event.preventDefault();
		act();
	});
	return box;
};
const drawGraph = nodes => {
	const width = Math.max(...nodes.map(n => n.x)) + BOX.width, height = Math.max(...nodes.map(n => n.y)) + BOX.height;
	const lines = nodes.filter(n => n.parent).map(n => svg('path', {fill: 'none', stroke: colour('soft'),
		d: `M${n.parent.x + BOX.width} ${n.parent.y + BOX.height / 2}h20V${n.y + BOX.height / 2}H${n.x}`}));
	const drawing = svg('svg', {xmlns: SVG, class: 'graph', role: 'group', 'aria-label': 'Processes of the session'},
		svg('rect', {x: -20, y: -20, width: width + 40, height: height + 40, fill: colour('card')}), ...lines, ...nodes.map(drawNode));
	return {drawing, all: {x: -20, y: -20, width: width + 40, height: height + 40}};
};

// zoomable lets a drawing be moved and zoomed by wheel, pointer and keys, and returns what the buttons do.
const zoomable = (drawing, all) => {
	let view = {...all};
	const apply = () => drawing.setAttribute('viewBox', `${view.x} ${view.y} ${view.width} ${view.height}`);
	const zoom = (factor, x = view.x + view.width / 2, y = view.y + view.height / 2) => {
		const width = Math.min(Math.max(view.width * factor, 200), all.width * 4), by = width / view.width;
		view = {x: x - (x - view.x) * by, y: y - (y - view.y) * by, width, height: view.height * by};
		apply();
	};
	const move = (dx, dy) => { view.x += dx * view.width; view.y += dy * view.height; apply(); };
	const fit = () => { view = {...all}; apply(); };
	const at = event => new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
	drawing.addEventListener('wheel', event => {
		event.preventDefault();
		const p = at(event);
		zoom(event.deltaY < 0 ? 0.8 : 1.25, p.x, p.y);
	}, {passive: false});
	let from = null;
	drawing.addEventListener('pointerdown', event => { from = at(event); });
	drawing.addEventListener('pointermove', event => {
		if (!from || !(event.buttons & 1)) return;
		const p = at(event);
		view.x += from.x - p.x;
		view.y += from.y - p.y;
		apply();
	});
	const keys = {'+': () => zoom(0.8), '-': () => zoom(1.25), '0': fit, ArrowLeft: () => move(-0.1, 0), ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1)};
	drawing.addEventListener('keydown', event => {
		if (!keys[event.key]) return;
		event.preventDefault();
		keys[event.key]();
	});
	apply();
	return {zoom, fit};
};

const graph = $('graph');
let saved = null; // what is saved of the graph that is shown
const showGraph = number => {
	const card = $(`s${number}`), nodes = nodesOf(card.querySelector('.tree'));
	const {drawing, all} = drawGraph(nodes), acts = zoomable(drawing, all);
	$('graph-h').textContent = card.querySelector('h3').textContent;
	$('graph-body').replaceChildren(drawing);
	$('graph-in').onclick = () => acts.zoom(0.8);
	$('graph-out').onclick = () => acts.zoom(1.25);
	$('graph-fit').onclick = acts.fit;
	saved = () => {
		const copied = drawing.cloneNode(true);
		for (const [key, value] of [['viewBox', `${all.x} ${all.y} ${all.width} ${all.height}`], ['width', all.width], ['height', all.height]]) copied.setAttribute(key, value);
		return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copied)}\n`;
	};
	if (all.width > graph.clientWidth) acts.fit();
	graph.showModal();
	$('graph-h').focus();
};
$('graph-save').addEventListener('click', () => save('session.svg', 'image/svg+xml', saved()));
$('graph-close').addEventListener('click', () => graph.close());
document.addEventListener('click', event => {
	const button = event.target.closest?.('button.draw');
	if (button) showGraph(button.dataset.session);
});

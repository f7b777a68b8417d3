// Browsers that lack what the page's script needs keep the page as it is without it.
if (window.HTMLDialogElement && window.CSS && CSS.supports('selector(:focus-visible)')) document.documentElement.classList.add('js');

"""What a reader needs of a page, asked in the browser itself."""

from __future__ import annotations

WIDER = """[...document.querySelectorAll('body *')].filter(one => {
  const box = one.getBoundingClientRect();
  if (!box.width || box.right <= innerWidth + 1) return false;
  for (let above = one.parentElement; above && above !== document.body; above = above.parentElement)
    if (getComputedStyle(above).overflowX !== 'visible') return false;
  return true;
}).map(one => one.outerHTML.slice(0, 80))"""
"""What sticks out of the window to the right, and not inside something that scrolls by itself."""

FAINT = """(() => {
  const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || one.closest('script, style, title, defs, .sheet')) continue;
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    if (!box.width || !box.height || !one.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    const drawn = one.closest('svg');
    const colour = parts(drawn ? style.fill : style.color);
    if (colour.length < 3) continue;
    const pair = [light(colour), light(behind(drawn || one))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < LEAST) found.push(`${contrast.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return found;
})()"""
"""Text whose contrast with what lies behind it is below LEAST."""

SMALL = """[...document.querySelectorAll('body *')].filter(one => {
  const text = [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  if (!text || one.closest('script, style, title, defs') || !one.checkVisibility()) return false;
  const drawn = one.closest('svg'), size = parseFloat(getComputedStyle(one).fontSize);
  const scale = drawn && drawn.viewBox.baseVal ? drawn.getBoundingClientRect().width / drawn.viewBox.baseVal.width : 1;
  return size * scale < LEAST;
}).map(one => one.textContent.slice(0, 40))"""
"""Text of less than LEAST pixels as it is seen, also inside drawings."""

LOST = """[...document.querySelectorAll('a[href^="#"]')].map(one => one.getAttribute('href').slice(1))
  .filter(name => name && !document.getElementById(decodeURIComponent(name)))"""
"""Links within the page that lead nowhere."""

REACHED = """(async () => {
  const wrong = [];
  document.documentElement.style.scrollBehavior = 'auto';
  for (const link of document.querySelectorAll('nav[aria-label="Contents"] a')) {
    link.click();
    await new Promise(done => setTimeout(done, 30));
    const top = document.getElementById(link.getAttribute('href').slice(1)).getBoundingClientRect().top;
    if (top < -1 || top > innerHeight) wrong.push(link.textContent);
  }
  return wrong;
})()"""
"""Entries of the contents whose section is not seen after a click."""

COPIED = """(async () => {
  const found = [];
  for (const block of document.querySelectorAll('.command')) {
    block.querySelector('button').click();
    await new Promise(done => setTimeout(done, 60));
    found.push([block.querySelector('code').textContent, await navigator.clipboard.readText(),
      block.querySelector('button').textContent]);
  }
  return found;
})()"""
"""Each command, what is on the clipboard after its button, and what the button says then."""

// A small accessibility audit of the page as it is drawn. Returns a list of findings in words; empty is good.
// Rules: WCAG 2.2 AA 1.1.1, 1.3.1, 1.4.3, 2.4.1, 2.4.2, 2.4.4, 3.1.1, 4.1.2.
() => {
  const found = [];
  const say = (rule, element) => found.push(`${rule}: ${element.outerHTML.slice(0, 120)}`);
  const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);

  if (!document.documentElement.lang) found.push("the page has no language");
  if (!document.title.trim()) found.push("the page has no title");
  if (all("main").length !== 1) found.push("the page has not exactly one main landmark");
  if (all("h1").length !== 1) found.push("the page has not exactly one h1");

  let level = 0;
  for (const heading of all("main h1, main h2, main h3, main h4")) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) say(`heading skips from ${level} to ${now}`, heading);
    level = now;
  }

  const name = (element) => {
    const by = element.getAttribute("aria-labelledby");
    if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
    return (element.getAttribute("aria-label") ?? [...(element.labels ?? [])].map((l) => l.textContent).join(" ")).trim();
  };
  for (const input of all("input:not([type=hidden]), select, textarea")) if (!name(input)) say("field without a label", input);
  for (const button of all("button, summary, a[href]")) if (!(name(button) || button.textContent.trim())) say("control without a name", button);
  for (const image of all("img")) if (!image.hasAttribute("alt")) say("image without alt", image);
  for (const graphic of all("svg")) if (!graphic.getAttribute("aria-label") && !graphic.ariaHidden) say("graphic without a name", graphic);
  for (const table of all("table")) {
    if (!table.querySelector("thead th")) say("table without column heads", table);
    for (const head of table.querySelectorAll("th")) if (!head.scope) say("head without scope", head);
  }
  for (const nav of all("nav, section")) if (!name(nav)) say("region without a name", nav);

  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) found.push(`id used twice: ${id}`);

  // contrast: colours as the browser blends them
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, layer) => over(layer, under), matchMedia("(prefers-color-scheme: dark)").matches ? [16, 22, 27] : [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const element = text.parentElement;
    if (!text.textContent.trim() || !shown(element) || element.closest(".skip, .unseen, option, :disabled")) continue;
    const back = ground(element);
    const [a, b] = [light(over(rgba(getComputedStyle(element).color), back)), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)}`, element);
  }
  return [...new Set(found)];
}

"use strict";
(() => {
  const root = document.documentElement, legend = document.getElementById("legend"), tip = document.getElementById("tip");
  root.classList.remove("no-js");

  // Legend: a class on the root hides an objective in every figure.
  const objectives = [...document.querySelectorAll("#legend [data-o]")];
  const shown = button => button.getAttribute("aria-pressed") === "true";
  const press = (button, on) => button.setAttribute("aria-pressed", on);
  const show = (button, on) => { press(button, on); root.classList.toggle("h" + button.dataset.o, !on); };
  for (const button of objectives) {
    button.addEventListener("click", () => show(button, !shown(button)));
    const mark = on => () => root.classList.toggle("f" + button.dataset.o, on && shown(button));
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, mark(true));
    for (const event of ["pointerleave", "blur", "click"]) button.addEventListener(event, mark(false));
  }
  const switches = {
    "t-opt": on => root.classList.toggle("no-opt", !on),
    "t-seeds": on => root.classList.toggle("seeds", on),
  };
  for (const [id, set] of Object.entries(switches)) {
    const button = document.getElementById(id);
    button?.addEventListener("click", () => { press(button, !shown(button)); set(shown(button)); });
  }
  document.getElementById("t-all")?.addEventListener("click", () => {
    const on = !objectives.every(shown);
    objectives.forEach(button => show(button, on));
  });

  // Arrow keys walk along the legend.
  legend?.addEventListener("keydown", event => {
    const buttons = [...legend.querySelectorAll("button")], at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at >= 0 && buttons[to]) { buttons[to].focus(); event.preventDefault(); }
  });

  // Tooltips: what a mark says in its title, without the browser's delay.
  const titles = new WeakMap();
  const said = mark => {
    const title = mark.querySelector(":scope > title");
    if (title) {
      const o = mark.closest("[data-o]")?.dataset.o;
      titles.set(mark, (o ? document.querySelector(`#legend [data-o="${o}"]`).textContent + ": " : "") + title.textContent);
      title.remove();
    }
    return titles.get(mark);
  };
  const hide = () => { tip.textContent = ""; };
  document.addEventListener("pointerover", event => {
    const mark = event.target.closest?.(".chart svg g, .chart svg path");
    const text = mark && (said(mark) ?? (mark.parentElement && said(mark.parentElement)));
    if (!text) return hide();
    tip.textContent = text;
    const box = tip.getBoundingClientRect(), x = event.clientX + 14, y = event.clientY + 16;
    tip.style.left = Math.max(4, Math.min(x, innerWidth - box.width - 8)) + "px";
    tip.style.top = (y + box.height > innerHeight ? event.clientY - box.height - 10 : y) + "px";
  });
  document.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });

  // Copy buttons.
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("pre");
      const select = () => { getSelection().selectAllChildren(code); return document.execCommand("copy"); };
      try { await navigator.clipboard.writeText(code.textContent); } catch { select(); }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
  root.dataset.ready = "1";
})();

/** What the shop does by itself: count what is put in the basket, and open the chat. */

const count = document.querySelector<HTMLElement>("[data-basket]");
let pieces = 0;

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-add]")) {
  button.setAttribute("aria-label", `Add ${button.dataset.add ?? "this"} to the basket`);
  button.addEventListener("click", () => {
    pieces += 1;
    if (count) count.textContent = String(pieces);
    button.textContent = "Added";
    setTimeout(() => (button.textContent = "Add to basket"), 1_500);
  });
}

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-ask]")) {
  button.addEventListener("click", () => window.Helpr?.("open"));
}

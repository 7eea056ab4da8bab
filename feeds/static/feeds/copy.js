/* Buttons that copy the address of a feed. Without this script they stay hidden, and the address is below. */
if (navigator.clipboard) {
  const statuses = document.querySelectorAll(".copied");
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      for (const status of statuses) status.textContent = "";
      let said = "Copied";
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
      } catch {
        said = "Your browser did not allow it. Open the address below it, and copy that.";
      }
      button.parentElement.querySelector(".copied").textContent = said;
    });
  }
}

// Shows how far a slow upload is. Without this script the forms work as they are.
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true; // once is enough
  const bar = form.querySelector("progress");
  if (!bar) {
    return;
  }
  event.preventDefault();
  button.textContent = form.dataset.progress;
  bar.hidden = false;
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.responseType = "document";
  request.upload.addEventListener("progress", (at) => {
    if (at.lengthComputable && at.loaded < at.total) {
      bar.value = at.loaded / at.total;
    } else {
      bar.removeAttribute("value"); // it is there, and is being checked
    }
  });
  request.addEventListener("load", () => {
    const main = request.response?.getElementById("main");
    if (main) {
      document.getElementById("main").replaceWith(document.adoptNode(main));
      window.scrollTo(0, 0);
      document.getElementById("result")?.focus(); // it is read out, as the answer is
    } else {
      form.submit();
    }
  });
  request.addEventListener("error", () => form.submit());
  request.send(new FormData(form));
});

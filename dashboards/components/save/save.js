// The mark of byte order in front lets spreadsheets read the file as UTF-8.
function content({ text, base64, file }) {
  if (base64) return new Blob([Uint8Array.from(atob(base64), (each) => each.charCodeAt(0))]);
  return new Blob(file.endsWith(".csv") ? ["\ufeff", text] : [text], { type: "text/plain;charset=utf-8" });
}

function store(data) {
  const { file } = data;
  const address = URL.createObjectURL(content(data));
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: file });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

export default function ({ parentElement, data, setTriggerValue }) {
  const button = parentElement.querySelector("button");
  button.textContent = data.label;
  button.onclick = () => {
    store(data);
    setTriggerValue("saved", true);
  };
}

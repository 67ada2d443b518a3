// Datasette's own pages, for those who read otherwise: their language, their main part, and a name for each field.
addEventListener("load", () => setTimeout(() => {  // after Datasette has put its editor there
  document.documentElement.lang ||= "en"
  if (!document.querySelector("main")) document.querySelector("section.content")?.setAttribute("role", "main")
  for (const field of document.querySelectorAll("select, textarea, input:not([type=hidden], [type=submit])"))
    if (!field.labels?.length && !field.ariaLabel) field.ariaLabel = field.name.replaceAll("_", " ").trim() || "SQL"
}))

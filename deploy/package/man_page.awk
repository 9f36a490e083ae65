# Makes the manual page of a template and the list of settings, which is deploy/ace-proxy.env:
#   awk -v version=1.2.3 -f man_page.awk ace-proxy.8.in ace-proxy.env
# In the list, a setting is a sentence, a line "unit, what is allowed" and "#KEY=default".

# Text that roff takes literally.
function plain(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  gsub(/…/, "...", text)
  return (text ~ /^[.']/) ? "\\&" text : text
}

function flag(key) {
  gsub(/_/, "-", key)
  return "--" tolower(key)
}

function add(line) { settings = settings line "\n" }

FNR == NR {
  gsub(/@VERSION@/, version)
  template[++lines] = $0
  next
}

/^# --- .* ---$/ {
  add(".SS " plain(substr($0, 7, length($0) - 10)))
  is_in_group = 1
  next
}

is_in_group && /^# / {
  texts[++held] = substr($0, 3)
  next
}

is_in_group && /^#[A-Z_]+=/ {
  key = substr($0, 2, index($0, "=") - 2)
  value = substr($0, index($0, "=") + 1)
  add(".TP")
  add(".BR " plain(flag(key)) " \", \" " plain(key))
  for (i = 1; i < held; ++i) add(plain(texts[i]))
  add(".br")
  add(plain(texts[held]) "; default " (value == "" ? "none" : plain(value)))
  held = 0
}

END {
  for (i = 1; i <= lines; ++i) {
    if (template[i] == "@SETTINGS@") printf "%s", settings
    else print template[i]
  }
}

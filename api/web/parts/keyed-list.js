// A list on the page that follows a list of records, and keeps the elements of those that stay.

/** `make` returns for a record's id `{element, show(record)}`. */
export class KeyedList {
  #rows = new Map();

  constructor(element, make) {
    this.element = element;
    this.make = make;
  }

  /** Show these records, each with an `id`, in their order. */
  show(records) {
    const focused = document.activeElement;
    const wanted = new Set(records.map((record) => record.id));
    for (const [id, row] of this.#rows) if (!wanted.has(id)) (row.element.remove(), this.#rows.delete(id));
    records.forEach((record, place) => this.#place(record, place));
    if (focused !== document.activeElement && this.element.contains(focused)) focused.focus({ preventScroll: true });
  }

  #place(record, place) {
    const row = this.#rows.get(record.id) ?? this.make(record.id);
    this.#rows.set(record.id, row);
    row.show(record);
    const there = this.element.children[place];
    if (there !== row.element) this.element.insertBefore(row.element, there ?? null);
  }
}

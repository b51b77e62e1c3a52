// The sign of modelfleet, as an address that needs no request: three lanes of a queue.

export const LOGO =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cg fill='%232f6fed'%3E%3Crect x='1' y='2' width='14' height='3' rx='1.5'/%3E%3Crect x='1' y='6.5' width='10' height='3' rx='1.5'/%3E%3Crect x='1' y='11' width='6' height='3' rx='1.5'/%3E%3C/g%3E%3C/svg%3E";

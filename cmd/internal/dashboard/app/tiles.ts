// Where the provinces stand on the tile map: column and row of a grid, by code. Drawn by hand so
// that neighbours stay neighbours; every province has the same area, for people live in them and
// not in their square kilometres.
export const places: Record<string, [number, number]> = {
  11: [0, 0], 12: [1, 0], 21: [3, 0], 65: [6, 0], 71: [9, 0], 82: [10, 0],
  13: [1, 1], 14: [2, 1], 61: [5, 1], 62: [6, 1], 64: [7, 1], 75: [8, 1], 96: [12, 1], 92: [13, 1],
  17: [1, 2], 15: [2, 2], 19: [3, 2], 63: [6, 2], 72: [8, 2], 81: [10, 2], 94: [13, 2], 91: [14, 2],
  16: [2, 3], 76: [8, 3], 74: [9, 3], 95: [14, 3],
  18: [2, 4], 73: [8, 4], 93: [14, 4],
  36: [3, 5], 31: [4, 5], 32: [5, 5], 33: [6, 5], 35: [7, 5],
  34: [6, 6], 51: [8, 6], 52: [9, 6], 53: [10, 6],
};

export const columns = 15;
export const rows = 7;

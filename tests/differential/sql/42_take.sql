INSERT INTO covered SELECT $benefit, piece, weight, quantity FROM taken;
UPDATE piece SET rest = rest - taken.quantity FROM taken WHERE piece.piece = taken.piece;

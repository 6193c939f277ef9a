// gemm_w8a16
module {
  aie.device(npu1) {
    func.func private @mm_i16i8_i32_64x64x64(memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) attributes {link_with = "mm_i16i8_i32.o"}
    func.func private @zero_i32_64x64(memref<4096xi32>) attributes {link_with = "zero_i32.o"}
    %tile_0_0 = aie.tile(0, 0)
    %tile_0_1 = aie.tile(0, 1) {allocation_scheme = "basic-sequential"}
    %tile_0_2 = aie.tile(0, 2) {allocation_scheme = "basic-sequential"}
    %tile_0_3 = aie.tile(0, 3) {allocation_scheme = "basic-sequential"}
    %tile_0_4 = aie.tile(0, 4) {allocation_scheme = "basic-sequential"}
    %tile_0_5 = aie.tile(0, 5) {allocation_scheme = "basic-sequential"}
    %tile_1_0 = aie.tile(1, 0)
    %tile_1_1 = aie.tile(1, 1) {allocation_scheme = "basic-sequential"}
    %tile_1_2 = aie.tile(1, 2) {allocation_scheme = "basic-sequential"}
    %tile_1_3 = aie.tile(1, 3) {allocation_scheme = "basic-sequential"}
    %tile_1_4 = aie.tile(1, 4) {allocation_scheme = "basic-sequential"}
    %tile_1_5 = aie.tile(1, 5) {allocation_scheme = "basic-sequential"}
    %tile_2_0 = aie.tile(2, 0)
    %tile_2_1 = aie.tile(2, 1) {allocation_scheme = "basic-sequential"}
    %tile_2_2 = aie.tile(2, 2) {allocation_scheme = "basic-sequential"}
    %tile_2_3 = aie.tile(2, 3) {allocation_scheme = "basic-sequential"}
    %tile_2_4 = aie.tile(2, 4) {allocation_scheme = "basic-sequential"}
    %tile_2_5 = aie.tile(2, 5) {allocation_scheme = "basic-sequential"}
    %tile_3_0 = aie.tile(3, 0)
    %tile_3_1 = aie.tile(3, 1) {allocation_scheme = "basic-sequential"}
    %tile_3_2 = aie.tile(3, 2) {allocation_scheme = "basic-sequential"}
    %tile_3_3 = aie.tile(3, 3) {allocation_scheme = "basic-sequential"}
    %tile_3_4 = aie.tile(3, 4) {allocation_scheme = "basic-sequential"}
    %tile_3_5 = aie.tile(3, 5) {allocation_scheme = "basic-sequential"}
    %A0_0_0_1 = aie.buffer(%tile_0_1) {address = 0 : i32, sym_name = "A0_0_0_1"} : memref<4096xi32>
    %A0_1_0_1 = aie.buffer(%tile_0_1) {address = 16384 : i32, sym_name = "A0_1_0_1"} : memref<4096xi32>
    %B0_0_0_1 = aie.buffer(%tile_0_1) {address = 32768 : i32, sym_name = "B0_0_0_1"} : memref<2048xi32>
    %B0_1_0_1 = aie.buffer(%tile_0_1) {address = 40960 : i32, sym_name = "B0_1_0_1"} : memref<2048xi32>
    %C0_row0_0_0_1 = aie.buffer(%tile_0_1) {address = 49152 : i32, sym_name = "C0_row0_0_0_1"} : memref<4096xi32>
    %C0_row0_1_0_1 = aie.buffer(%tile_0_1) {address = 65536 : i32, sym_name = "C0_row0_1_0_1"} : memref<4096xi32>
    %C0_row1_0_0_1 = aie.buffer(%tile_0_1) {address = 81920 : i32, sym_name = "C0_row1_0_0_1"} : memref<4096xi32>
    %C0_row1_1_0_1 = aie.buffer(%tile_0_1) {address = 98304 : i32, sym_name = "C0_row1_1_0_1"} : memref<4096xi32>
    %C0_row2_0_0_1 = aie.buffer(%tile_0_1) {address = 114688 : i32, sym_name = "C0_row2_0_0_1"} : memref<4096xi32>
    %C0_row2_1_0_1 = aie.buffer(%tile_0_1) {address = 131072 : i32, sym_name = "C0_row2_1_0_1"} : memref<4096xi32>
    %C0_row3_0_0_1 = aie.buffer(%tile_0_1) {address = 147456 : i32, sym_name = "C0_row3_0_0_1"} : memref<4096xi32>
    %C0_row3_1_0_1 = aie.buffer(%tile_0_1) {address = 163840 : i32, sym_name = "C0_row3_1_0_1"} : memref<4096xi32>
    %A1_0_1_1 = aie.buffer(%tile_1_1) {address = 0 : i32, sym_name = "A1_0_1_1"} : memref<4096xi32>
    %A1_1_1_1 = aie.buffer(%tile_1_1) {address = 16384 : i32, sym_name = "A1_1_1_1"} : memref<4096xi32>
    %B1_0_1_1 = aie.buffer(%tile_1_1) {address = 32768 : i32, sym_name = "B1_0_1_1"} : memref<2048xi32>
    %B1_1_1_1 = aie.buffer(%tile_1_1) {address = 40960 : i32, sym_name = "B1_1_1_1"} : memref<2048xi32>
    %C1_row0_0_1_1 = aie.buffer(%tile_1_1) {address = 49152 : i32, sym_name = "C1_row0_0_1_1"} : memref<4096xi32>
    %C1_row0_1_1_1 = aie.buffer(%tile_1_1) {address = 65536 : i32, sym_name = "C1_row0_1_1_1"} : memref<4096xi32>
    %C1_row1_0_1_1 = aie.buffer(%tile_1_1) {address = 81920 : i32, sym_name = "C1_row1_0_1_1"} : memref<4096xi32>
    %C1_row1_1_1_1 = aie.buffer(%tile_1_1) {address = 98304 : i32, sym_name = "C1_row1_1_1_1"} : memref<4096xi32>
    %C1_row2_0_1_1 = aie.buffer(%tile_1_1) {address = 114688 : i32, sym_name = "C1_row2_0_1_1"} : memref<4096xi32>
    %C1_row2_1_1_1 = aie.buffer(%tile_1_1) {address = 131072 : i32, sym_name = "C1_row2_1_1_1"} : memref<4096xi32>
    %C1_row3_0_1_1 = aie.buffer(%tile_1_1) {address = 147456 : i32, sym_name = "C1_row3_0_1_1"} : memref<4096xi32>
    %C1_row3_1_1_1 = aie.buffer(%tile_1_1) {address = 163840 : i32, sym_name = "C1_row3_1_1_1"} : memref<4096xi32>
    %A2_0_2_1 = aie.buffer(%tile_2_1) {address = 0 : i32, sym_name = "A2_0_2_1"} : memref<4096xi32>
    %A2_1_2_1 = aie.buffer(%tile_2_1) {address = 16384 : i32, sym_name = "A2_1_2_1"} : memref<4096xi32>
    %B2_0_2_1 = aie.buffer(%tile_2_1) {address = 32768 : i32, sym_name = "B2_0_2_1"} : memref<2048xi32>
    %B2_1_2_1 = aie.buffer(%tile_2_1) {address = 40960 : i32, sym_name = "B2_1_2_1"} : memref<2048xi32>
    %C2_row0_0_2_1 = aie.buffer(%tile_2_1) {address = 49152 : i32, sym_name = "C2_row0_0_2_1"} : memref<4096xi32>
    %C2_row0_1_2_1 = aie.buffer(%tile_2_1) {address = 65536 : i32, sym_name = "C2_row0_1_2_1"} : memref<4096xi32>
    %C2_row1_0_2_1 = aie.buffer(%tile_2_1) {address = 81920 : i32, sym_name = "C2_row1_0_2_1"} : memref<4096xi32>
    %C2_row1_1_2_1 = aie.buffer(%tile_2_1) {address = 98304 : i32, sym_name = "C2_row1_1_2_1"} : memref<4096xi32>
    %C2_row2_0_2_1 = aie.buffer(%tile_2_1) {address = 114688 : i32, sym_name = "C2_row2_0_2_1"} : memref<4096xi32>
    %C2_row2_1_2_1 = aie.buffer(%tile_2_1) {address = 131072 : i32, sym_name = "C2_row2_1_2_1"} : memref<4096xi32>
    %C2_row3_0_2_1 = aie.buffer(%tile_2_1) {address = 147456 : i32, sym_name = "C2_row3_0_2_1"} : memref<4096xi32>
    %C2_row3_1_2_1 = aie.buffer(%tile_2_1) {address = 163840 : i32, sym_name = "C2_row3_1_2_1"} : memref<4096xi32>
    %A3_0_3_1 = aie.buffer(%tile_3_1) {address = 0 : i32, sym_name = "A3_0_3_1"} : memref<4096xi32>
    %A3_1_3_1 = aie.buffer(%tile_3_1) {address = 16384 : i32, sym_name = "A3_1_3_1"} : memref<4096xi32>
    %B3_0_3_1 = aie.buffer(%tile_3_1) {address = 32768 : i32, sym_name = "B3_0_3_1"} : memref<2048xi32>
    %B3_1_3_1 = aie.buffer(%tile_3_1) {address = 40960 : i32, sym_name = "B3_1_3_1"} : memref<2048xi32>
    %C3_row0_0_3_1 = aie.buffer(%tile_3_1) {address = 49152 : i32, sym_name = "C3_row0_0_3_1"} : memref<4096xi32>
    %C3_row0_1_3_1 = aie.buffer(%tile_3_1) {address = 65536 : i32, sym_name = "C3_row0_1_3_1"} : memref<4096xi32>
    %C3_row1_0_3_1 = aie.buffer(%tile_3_1) {address = 81920 : i32, sym_name = "C3_row1_0_3_1"} : memref<4096xi32>
    %C3_row1_1_3_1 = aie.buffer(%tile_3_1) {address = 98304 : i32, sym_name = "C3_row1_1_3_1"} : memref<4096xi32>
    %C3_row2_0_3_1 = aie.buffer(%tile_3_1) {address = 114688 : i32, sym_name = "C3_row2_0_3_1"} : memref<4096xi32>
    %C3_row2_1_3_1 = aie.buffer(%tile_3_1) {address = 131072 : i32, sym_name = "C3_row2_1_3_1"} : memref<4096xi32>
    %C3_row3_0_3_1 = aie.buffer(%tile_3_1) {address = 147456 : i32, sym_name = "C3_row3_0_3_1"} : memref<4096xi32>
    %C3_row3_1_3_1 = aie.buffer(%tile_3_1) {address = 163840 : i32, sym_name = "C3_row3_1_3_1"} : memref<4096xi32>
    %A_0_0_2 = aie.buffer(%tile_0_2) {address = 2048 : i32, sym_name = "A_0_0_2"} : memref<2048xi32>
    %A_1_0_2 = aie.buffer(%tile_0_2) {address = 10240 : i32, sym_name = "A_1_0_2"} : memref<2048xi32>
    %B_0_0_2 = aie.buffer(%tile_0_2) {address = 18432 : i32, sym_name = "B_0_0_2"} : memref<1024xi32>
    %B_1_0_2 = aie.buffer(%tile_0_2) {address = 22528 : i32, sym_name = "B_1_0_2"} : memref<1024xi32>
    %C_0_0_2 = aie.buffer(%tile_0_2) {address = 26624 : i32, sym_name = "C_0_0_2"} : memref<4096xi32>
    %parameters_0_2 = aie.buffer(%tile_0_2) {address = 43008 : i32, sym_name = "parameters_0_2"} : memref<8xi32>
    %A_0_0_3 = aie.buffer(%tile_0_3) {address = 2048 : i32, sym_name = "A_0_0_3"} : memref<2048xi32>
    %A_1_0_3 = aie.buffer(%tile_0_3) {address = 10240 : i32, sym_name = "A_1_0_3"} : memref<2048xi32>
    %B_0_0_3 = aie.buffer(%tile_0_3) {address = 18432 : i32, sym_name = "B_0_0_3"} : memref<1024xi32>
    %B_1_0_3 = aie.buffer(%tile_0_3) {address = 22528 : i32, sym_name = "B_1_0_3"} : memref<1024xi32>
    %C_0_0_3 = aie.buffer(%tile_0_3) {address = 26624 : i32, sym_name = "C_0_0_3"} : memref<4096xi32>
    %parameters_0_3 = aie.buffer(%tile_0_3) {address = 43008 : i32, sym_name = "parameters_0_3"} : memref<8xi32>
    %A_0_0_4 = aie.buffer(%tile_0_4) {address = 2048 : i32, sym_name = "A_0_0_4"} : memref<2048xi32>
    %A_1_0_4 = aie.buffer(%tile_0_4) {address = 10240 : i32, sym_name = "A_1_0_4"} : memref<2048xi32>
    %B_0_0_4 = aie.buffer(%tile_0_4) {address = 18432 : i32, sym_name = "B_0_0_4"} : memref<1024xi32>
    %B_1_0_4 = aie.buffer(%tile_0_4) {address = 22528 : i32, sym_name = "B_1_0_4"} : memref<1024xi32>
    %C_0_0_4 = aie.buffer(%tile_0_4) {address = 26624 : i32, sym_name = "C_0_0_4"} : memref<4096xi32>
    %parameters_0_4 = aie.buffer(%tile_0_4) {address = 43008 : i32, sym_name = "parameters_0_4"} : memref<8xi32>
    %A_0_0_5 = aie.buffer(%tile_0_5) {address = 2048 : i32, sym_name = "A_0_0_5"} : memref<2048xi32>
    %A_1_0_5 = aie.buffer(%tile_0_5) {address = 10240 : i32, sym_name = "A_1_0_5"} : memref<2048xi32>
    %B_0_0_5 = aie.buffer(%tile_0_5) {address = 18432 : i32, sym_name = "B_0_0_5"} : memref<1024xi32>
    %B_1_0_5 = aie.buffer(%tile_0_5) {address = 22528 : i32, sym_name = "B_1_0_5"} : memref<1024xi32>
    %C_0_0_5 = aie.buffer(%tile_0_5) {address = 26624 : i32, sym_name = "C_0_0_5"} : memref<4096xi32>
    %parameters_0_5 = aie.buffer(%tile_0_5) {address = 43008 : i32, sym_name = "parameters_0_5"} : memref<8xi32>
    %A_0_1_2 = aie.buffer(%tile_1_2) {address = 2048 : i32, sym_name = "A_0_1_2"} : memref<2048xi32>
    %A_1_1_2 = aie.buffer(%tile_1_2) {address = 10240 : i32, sym_name = "A_1_1_2"} : memref<2048xi32>
    %B_0_1_2 = aie.buffer(%tile_1_2) {address = 18432 : i32, sym_name = "B_0_1_2"} : memref<1024xi32>
    %B_1_1_2 = aie.buffer(%tile_1_2) {address = 22528 : i32, sym_name = "B_1_1_2"} : memref<1024xi32>
    %C_0_1_2 = aie.buffer(%tile_1_2) {address = 26624 : i32, sym_name = "C_0_1_2"} : memref<4096xi32>
    %parameters_1_2 = aie.buffer(%tile_1_2) {address = 43008 : i32, sym_name = "parameters_1_2"} : memref<8xi32>
    %A_0_1_3 = aie.buffer(%tile_1_3) {address = 2048 : i32, sym_name = "A_0_1_3"} : memref<2048xi32>
    %A_1_1_3 = aie.buffer(%tile_1_3) {address = 10240 : i32, sym_name = "A_1_1_3"} : memref<2048xi32>
    %B_0_1_3 = aie.buffer(%tile_1_3) {address = 18432 : i32, sym_name = "B_0_1_3"} : memref<1024xi32>
    %B_1_1_3 = aie.buffer(%tile_1_3) {address = 22528 : i32, sym_name = "B_1_1_3"} : memref<1024xi32>
    %C_0_1_3 = aie.buffer(%tile_1_3) {address = 26624 : i32, sym_name = "C_0_1_3"} : memref<4096xi32>
    %parameters_1_3 = aie.buffer(%tile_1_3) {address = 43008 : i32, sym_name = "parameters_1_3"} : memref<8xi32>
    %A_0_1_4 = aie.buffer(%tile_1_4) {address = 2048 : i32, sym_name = "A_0_1_4"} : memref<2048xi32>
    %A_1_1_4 = aie.buffer(%tile_1_4) {address = 10240 : i32, sym_name = "A_1_1_4"} : memref<2048xi32>
    %B_0_1_4 = aie.buffer(%tile_1_4) {address = 18432 : i32, sym_name = "B_0_1_4"} : memref<1024xi32>
    %B_1_1_4 = aie.buffer(%tile_1_4) {address = 22528 : i32, sym_name = "B_1_1_4"} : memref<1024xi32>
    %C_0_1_4 = aie.buffer(%tile_1_4) {address = 26624 : i32, sym_name = "C_0_1_4"} : memref<4096xi32>
    %parameters_1_4 = aie.buffer(%tile_1_4) {address = 43008 : i32, sym_name = "parameters_1_4"} : memref<8xi32>
    %A_0_1_5 = aie.buffer(%tile_1_5) {address = 2048 : i32, sym_name = "A_0_1_5"} : memref<2048xi32>
    %A_1_1_5 = aie.buffer(%tile_1_5) {address = 10240 : i32, sym_name = "A_1_1_5"} : memref<2048xi32>
    %B_0_1_5 = aie.buffer(%tile_1_5) {address = 18432 : i32, sym_name = "B_0_1_5"} : memref<1024xi32>
    %B_1_1_5 = aie.buffer(%tile_1_5) {address = 22528 : i32, sym_name = "B_1_1_5"} : memref<1024xi32>
    %C_0_1_5 = aie.buffer(%tile_1_5) {address = 26624 : i32, sym_name = "C_0_1_5"} : memref<4096xi32>
    %parameters_1_5 = aie.buffer(%tile_1_5) {address = 43008 : i32, sym_name = "parameters_1_5"} : memref<8xi32>
    %A_0_2_2 = aie.buffer(%tile_2_2) {address = 2048 : i32, sym_name = "A_0_2_2"} : memref<2048xi32>
    %A_1_2_2 = aie.buffer(%tile_2_2) {address = 10240 : i32, sym_name = "A_1_2_2"} : memref<2048xi32>
    %B_0_2_2 = aie.buffer(%tile_2_2) {address = 18432 : i32, sym_name = "B_0_2_2"} : memref<1024xi32>
    %B_1_2_2 = aie.buffer(%tile_2_2) {address = 22528 : i32, sym_name = "B_1_2_2"} : memref<1024xi32>
    %C_0_2_2 = aie.buffer(%tile_2_2) {address = 26624 : i32, sym_name = "C_0_2_2"} : memref<4096xi32>
    %parameters_2_2 = aie.buffer(%tile_2_2) {address = 43008 : i32, sym_name = "parameters_2_2"} : memref<8xi32>
    %A_0_2_3 = aie.buffer(%tile_2_3) {address = 2048 : i32, sym_name = "A_0_2_3"} : memref<2048xi32>
    %A_1_2_3 = aie.buffer(%tile_2_3) {address = 10240 : i32, sym_name = "A_1_2_3"} : memref<2048xi32>
    %B_0_2_3 = aie.buffer(%tile_2_3) {address = 18432 : i32, sym_name = "B_0_2_3"} : memref<1024xi32>
    %B_1_2_3 = aie.buffer(%tile_2_3) {address = 22528 : i32, sym_name = "B_1_2_3"} : memref<1024xi32>
    %C_0_2_3 = aie.buffer(%tile_2_3) {address = 26624 : i32, sym_name = "C_0_2_3"} : memref<4096xi32>
    %parameters_2_3 = aie.buffer(%tile_2_3) {address = 43008 : i32, sym_name = "parameters_2_3"} : memref<8xi32>
    %A_0_2_4 = aie.buffer(%tile_2_4) {address = 2048 : i32, sym_name = "A_0_2_4"} : memref<2048xi32>
    %A_1_2_4 = aie.buffer(%tile_2_4) {address = 10240 : i32, sym_name = "A_1_2_4"} : memref<2048xi32>
    %B_0_2_4 = aie.buffer(%tile_2_4) {address = 18432 : i32, sym_name = "B_0_2_4"} : memref<1024xi32>
    %B_1_2_4 = aie.buffer(%tile_2_4) {address = 22528 : i32, sym_name = "B_1_2_4"} : memref<1024xi32>
    %C_0_2_4 = aie.buffer(%tile_2_4) {address = 26624 : i32, sym_name = "C_0_2_4"} : memref<4096xi32>
    %parameters_2_4 = aie.buffer(%tile_2_4) {address = 43008 : i32, sym_name = "parameters_2_4"} : memref<8xi32>
    %A_0_2_5 = aie.buffer(%tile_2_5) {address = 2048 : i32, sym_name = "A_0_2_5"} : memref<2048xi32>
    %A_1_2_5 = aie.buffer(%tile_2_5) {address = 10240 : i32, sym_name = "A_1_2_5"} : memref<2048xi32>
    %B_0_2_5 = aie.buffer(%tile_2_5) {address = 18432 : i32, sym_name = "B_0_2_5"} : memref<1024xi32>
    %B_1_2_5 = aie.buffer(%tile_2_5) {address = 22528 : i32, sym_name = "B_1_2_5"} : memref<1024xi32>
    %C_0_2_5 = aie.buffer(%tile_2_5) {address = 26624 : i32, sym_name = "C_0_2_5"} : memref<4096xi32>
    %parameters_2_5 = aie.buffer(%tile_2_5) {address = 43008 : i32, sym_name = "parameters_2_5"} : memref<8xi32>
    %A_0_3_2 = aie.buffer(%tile_3_2) {address = 2048 : i32, sym_name = "A_0_3_2"} : memref<2048xi32>
    %A_1_3_2 = aie.buffer(%tile_3_2) {address = 10240 : i32, sym_name = "A_1_3_2"} : memref<2048xi32>
    %B_0_3_2 = aie.buffer(%tile_3_2) {address = 18432 : i32, sym_name = "B_0_3_2"} : memref<1024xi32>
    %B_1_3_2 = aie.buffer(%tile_3_2) {address = 22528 : i32, sym_name = "B_1_3_2"} : memref<1024xi32>
    %C_0_3_2 = aie.buffer(%tile_3_2) {address = 26624 : i32, sym_name = "C_0_3_2"} : memref<4096xi32>
    %parameters_3_2 = aie.buffer(%tile_3_2) {address = 43008 : i32, sym_name = "parameters_3_2"} : memref<8xi32>
    %A_0_3_3 = aie.buffer(%tile_3_3) {address = 2048 : i32, sym_name = "A_0_3_3"} : memref<2048xi32>
    %A_1_3_3 = aie.buffer(%tile_3_3) {address = 10240 : i32, sym_name = "A_1_3_3"} : memref<2048xi32>
    %B_0_3_3 = aie.buffer(%tile_3_3) {address = 18432 : i32, sym_name = "B_0_3_3"} : memref<1024xi32>
    %B_1_3_3 = aie.buffer(%tile_3_3) {address = 22528 : i32, sym_name = "B_1_3_3"} : memref<1024xi32>
    %C_0_3_3 = aie.buffer(%tile_3_3) {address = 26624 : i32, sym_name = "C_0_3_3"} : memref<4096xi32>
    %parameters_3_3 = aie.buffer(%tile_3_3) {address = 43008 : i32, sym_name = "parameters_3_3"} : memref<8xi32>
    %A_0_3_4 = aie.buffer(%tile_3_4) {address = 2048 : i32, sym_name = "A_0_3_4"} : memref<2048xi32>
    %A_1_3_4 = aie.buffer(%tile_3_4) {address = 10240 : i32, sym_name = "A_1_3_4"} : memref<2048xi32>
    %B_0_3_4 = aie.buffer(%tile_3_4) {address = 18432 : i32, sym_name = "B_0_3_4"} : memref<1024xi32>
    %B_1_3_4 = aie.buffer(%tile_3_4) {address = 22528 : i32, sym_name = "B_1_3_4"} : memref<1024xi32>
    %C_0_3_4 = aie.buffer(%tile_3_4) {address = 26624 : i32, sym_name = "C_0_3_4"} : memref<4096xi32>
    %parameters_3_4 = aie.buffer(%tile_3_4) {address = 43008 : i32, sym_name = "parameters_3_4"} : memref<8xi32>
    %A_0_3_5 = aie.buffer(%tile_3_5) {address = 2048 : i32, sym_name = "A_0_3_5"} : memref<2048xi32>
    %A_1_3_5 = aie.buffer(%tile_3_5) {address = 10240 : i32, sym_name = "A_1_3_5"} : memref<2048xi32>
    %B_0_3_5 = aie.buffer(%tile_3_5) {address = 18432 : i32, sym_name = "B_0_3_5"} : memref<1024xi32>
    %B_1_3_5 = aie.buffer(%tile_3_5) {address = 22528 : i32, sym_name = "B_1_3_5"} : memref<1024xi32>
    %C_0_3_5 = aie.buffer(%tile_3_5) {address = 26624 : i32, sym_name = "C_0_3_5"} : memref<4096xi32>
    %parameters_3_5 = aie.buffer(%tile_3_5) {address = 43008 : i32, sym_name = "parameters_3_5"} : memref<8xi32>
    %lock_A0_free_0_1 = aie.lock(%tile_0_1, 0) {init = 2 : i32, sym_name = "lock_A0_free_0_1"}
    %lock_A0_full_0_1 = aie.lock(%tile_0_1, 1) {init = 0 : i32, sym_name = "lock_A0_full_0_1"}
    %lock_B0_free_0_1 = aie.lock(%tile_0_1, 2) {init = 2 : i32, sym_name = "lock_B0_free_0_1"}
    %lock_B0_full_0_1 = aie.lock(%tile_0_1, 3) {init = 0 : i32, sym_name = "lock_B0_full_0_1"}
    %lock_C0_row0_free_0_1 = aie.lock(%tile_0_1, 4) {init = 2 : i32, sym_name = "lock_C0_row0_free_0_1"}
    %lock_C0_row0_full_0_1 = aie.lock(%tile_0_1, 5) {init = 0 : i32, sym_name = "lock_C0_row0_full_0_1"}
    %lock_C0_row1_free_0_1 = aie.lock(%tile_0_1, 6) {init = 2 : i32, sym_name = "lock_C0_row1_free_0_1"}
    %lock_C0_row1_full_0_1 = aie.lock(%tile_0_1, 7) {init = 0 : i32, sym_name = "lock_C0_row1_full_0_1"}
    %lock_C0_row2_free_0_1 = aie.lock(%tile_0_1, 8) {init = 2 : i32, sym_name = "lock_C0_row2_free_0_1"}
    %lock_C0_row2_full_0_1 = aie.lock(%tile_0_1, 9) {init = 0 : i32, sym_name = "lock_C0_row2_full_0_1"}
    %lock_C0_row3_free_0_1 = aie.lock(%tile_0_1, 10) {init = 2 : i32, sym_name = "lock_C0_row3_free_0_1"}
    %lock_C0_row3_full_0_1 = aie.lock(%tile_0_1, 11) {init = 0 : i32, sym_name = "lock_C0_row3_full_0_1"}
    %lock_A1_free_1_1 = aie.lock(%tile_1_1, 0) {init = 2 : i32, sym_name = "lock_A1_free_1_1"}
    %lock_A1_full_1_1 = aie.lock(%tile_1_1, 1) {init = 0 : i32, sym_name = "lock_A1_full_1_1"}
    %lock_B1_free_1_1 = aie.lock(%tile_1_1, 2) {init = 2 : i32, sym_name = "lock_B1_free_1_1"}
    %lock_B1_full_1_1 = aie.lock(%tile_1_1, 3) {init = 0 : i32, sym_name = "lock_B1_full_1_1"}
    %lock_C1_row0_free_1_1 = aie.lock(%tile_1_1, 4) {init = 2 : i32, sym_name = "lock_C1_row0_free_1_1"}
    %lock_C1_row0_full_1_1 = aie.lock(%tile_1_1, 5) {init = 0 : i32, sym_name = "lock_C1_row0_full_1_1"}
    %lock_C1_row1_free_1_1 = aie.lock(%tile_1_1, 6) {init = 2 : i32, sym_name = "lock_C1_row1_free_1_1"}
    %lock_C1_row1_full_1_1 = aie.lock(%tile_1_1, 7) {init = 0 : i32, sym_name = "lock_C1_row1_full_1_1"}
    %lock_C1_row2_free_1_1 = aie.lock(%tile_1_1, 8) {init = 2 : i32, sym_name = "lock_C1_row2_free_1_1"}
    %lock_C1_row2_full_1_1 = aie.lock(%tile_1_1, 9) {init = 0 : i32, sym_name = "lock_C1_row2_full_1_1"}
    %lock_C1_row3_free_1_1 = aie.lock(%tile_1_1, 10) {init = 2 : i32, sym_name = "lock_C1_row3_free_1_1"}
    %lock_C1_row3_full_1_1 = aie.lock(%tile_1_1, 11) {init = 0 : i32, sym_name = "lock_C1_row3_full_1_1"}
    %lock_A2_free_2_1 = aie.lock(%tile_2_1, 0) {init = 2 : i32, sym_name = "lock_A2_free_2_1"}
    %lock_A2_full_2_1 = aie.lock(%tile_2_1, 1) {init = 0 : i32, sym_name = "lock_A2_full_2_1"}
    %lock_B2_free_2_1 = aie.lock(%tile_2_1, 2) {init = 2 : i32, sym_name = "lock_B2_free_2_1"}
    %lock_B2_full_2_1 = aie.lock(%tile_2_1, 3) {init = 0 : i32, sym_name = "lock_B2_full_2_1"}
    %lock_C2_row0_free_2_1 = aie.lock(%tile_2_1, 4) {init = 2 : i32, sym_name = "lock_C2_row0_free_2_1"}
    %lock_C2_row0_full_2_1 = aie.lock(%tile_2_1, 5) {init = 0 : i32, sym_name = "lock_C2_row0_full_2_1"}
    %lock_C2_row1_free_2_1 = aie.lock(%tile_2_1, 6) {init = 2 : i32, sym_name = "lock_C2_row1_free_2_1"}
    %lock_C2_row1_full_2_1 = aie.lock(%tile_2_1, 7) {init = 0 : i32, sym_name = "lock_C2_row1_full_2_1"}
    %lock_C2_row2_free_2_1 = aie.lock(%tile_2_1, 8) {init = 2 : i32, sym_name = "lock_C2_row2_free_2_1"}
    %lock_C2_row2_full_2_1 = aie.lock(%tile_2_1, 9) {init = 0 : i32, sym_name = "lock_C2_row2_full_2_1"}
    %lock_C2_row3_free_2_1 = aie.lock(%tile_2_1, 10) {init = 2 : i32, sym_name = "lock_C2_row3_free_2_1"}
    %lock_C2_row3_full_2_1 = aie.lock(%tile_2_1, 11) {init = 0 : i32, sym_name = "lock_C2_row3_full_2_1"}
    %lock_A3_free_3_1 = aie.lock(%tile_3_1, 0) {init = 2 : i32, sym_name = "lock_A3_free_3_1"}
    %lock_A3_full_3_1 = aie.lock(%tile_3_1, 1) {init = 0 : i32, sym_name = "lock_A3_full_3_1"}
    %lock_B3_free_3_1 = aie.lock(%tile_3_1, 2) {init = 2 : i32, sym_name = "lock_B3_free_3_1"}
    %lock_B3_full_3_1 = aie.lock(%tile_3_1, 3) {init = 0 : i32, sym_name = "lock_B3_full_3_1"}
    %lock_C3_row0_free_3_1 = aie.lock(%tile_3_1, 4) {init = 2 : i32, sym_name = "lock_C3_row0_free_3_1"}
    %lock_C3_row0_full_3_1 = aie.lock(%tile_3_1, 5) {init = 0 : i32, sym_name = "lock_C3_row0_full_3_1"}
    %lock_C3_row1_free_3_1 = aie.lock(%tile_3_1, 6) {init = 2 : i32, sym_name = "lock_C3_row1_free_3_1"}
    %lock_C3_row1_full_3_1 = aie.lock(%tile_3_1, 7) {init = 0 : i32, sym_name = "lock_C3_row1_full_3_1"}
    %lock_C3_row2_free_3_1 = aie.lock(%tile_3_1, 8) {init = 2 : i32, sym_name = "lock_C3_row2_free_3_1"}
    %lock_C3_row2_full_3_1 = aie.lock(%tile_3_1, 9) {init = 0 : i32, sym_name = "lock_C3_row2_full_3_1"}
    %lock_C3_row3_free_3_1 = aie.lock(%tile_3_1, 10) {init = 2 : i32, sym_name = "lock_C3_row3_free_3_1"}
    %lock_C3_row3_full_3_1 = aie.lock(%tile_3_1, 11) {init = 0 : i32, sym_name = "lock_C3_row3_full_3_1"}
    %lock_A_free_0_2 = aie.lock(%tile_0_2, 0) {init = 2 : i32, sym_name = "lock_A_free_0_2"}
    %lock_A_full_0_2 = aie.lock(%tile_0_2, 1) {init = 0 : i32, sym_name = "lock_A_full_0_2"}
    %lock_B_free_0_2 = aie.lock(%tile_0_2, 2) {init = 2 : i32, sym_name = "lock_B_free_0_2"}
    %lock_B_full_0_2 = aie.lock(%tile_0_2, 3) {init = 0 : i32, sym_name = "lock_B_full_0_2"}
    %lock_C_free_0_2 = aie.lock(%tile_0_2, 4) {init = 1 : i32, sym_name = "lock_C_free_0_2"}
    %lock_C_full_0_2 = aie.lock(%tile_0_2, 5) {init = 0 : i32, sym_name = "lock_C_full_0_2"}
    %lock_parameters_0_2 = aie.lock(%tile_0_2, 6) {init = 0 : i32, sym_name = "lock_parameters_0_2"}
    %lock_A_free_0_3 = aie.lock(%tile_0_3, 0) {init = 2 : i32, sym_name = "lock_A_free_0_3"}
    %lock_A_full_0_3 = aie.lock(%tile_0_3, 1) {init = 0 : i32, sym_name = "lock_A_full_0_3"}
    %lock_B_free_0_3 = aie.lock(%tile_0_3, 2) {init = 2 : i32, sym_name = "lock_B_free_0_3"}
    %lock_B_full_0_3 = aie.lock(%tile_0_3, 3) {init = 0 : i32, sym_name = "lock_B_full_0_3"}
    %lock_C_free_0_3 = aie.lock(%tile_0_3, 4) {init = 1 : i32, sym_name = "lock_C_free_0_3"}
    %lock_C_full_0_3 = aie.lock(%tile_0_3, 5) {init = 0 : i32, sym_name = "lock_C_full_0_3"}
    %lock_parameters_0_3 = aie.lock(%tile_0_3, 6) {init = 0 : i32, sym_name = "lock_parameters_0_3"}
    %lock_A_free_0_4 = aie.lock(%tile_0_4, 0) {init = 2 : i32, sym_name = "lock_A_free_0_4"}
    %lock_A_full_0_4 = aie.lock(%tile_0_4, 1) {init = 0 : i32, sym_name = "lock_A_full_0_4"}
    %lock_B_free_0_4 = aie.lock(%tile_0_4, 2) {init = 2 : i32, sym_name = "lock_B_free_0_4"}
    %lock_B_full_0_4 = aie.lock(%tile_0_4, 3) {init = 0 : i32, sym_name = "lock_B_full_0_4"}
    %lock_C_free_0_4 = aie.lock(%tile_0_4, 4) {init = 1 : i32, sym_name = "lock_C_free_0_4"}
    %lock_C_full_0_4 = aie.lock(%tile_0_4, 5) {init = 0 : i32, sym_name = "lock_C_full_0_4"}
    %lock_parameters_0_4 = aie.lock(%tile_0_4, 6) {init = 0 : i32, sym_name = "lock_parameters_0_4"}
    %lock_A_free_0_5 = aie.lock(%tile_0_5, 0) {init = 2 : i32, sym_name = "lock_A_free_0_5"}
    %lock_A_full_0_5 = aie.lock(%tile_0_5, 1) {init = 0 : i32, sym_name = "lock_A_full_0_5"}
    %lock_B_free_0_5 = aie.lock(%tile_0_5, 2) {init = 2 : i32, sym_name = "lock_B_free_0_5"}
    %lock_B_full_0_5 = aie.lock(%tile_0_5, 3) {init = 0 : i32, sym_name = "lock_B_full_0_5"}
    %lock_C_free_0_5 = aie.lock(%tile_0_5, 4) {init = 1 : i32, sym_name = "lock_C_free_0_5"}
    %lock_C_full_0_5 = aie.lock(%tile_0_5, 5) {init = 0 : i32, sym_name = "lock_C_full_0_5"}
    %lock_parameters_0_5 = aie.lock(%tile_0_5, 6) {init = 0 : i32, sym_name = "lock_parameters_0_5"}
    %lock_A_free_1_2 = aie.lock(%tile_1_2, 0) {init = 2 : i32, sym_name = "lock_A_free_1_2"}
    %lock_A_full_1_2 = aie.lock(%tile_1_2, 1) {init = 0 : i32, sym_name = "lock_A_full_1_2"}
    %lock_B_free_1_2 = aie.lock(%tile_1_2, 2) {init = 2 : i32, sym_name = "lock_B_free_1_2"}
    %lock_B_full_1_2 = aie.lock(%tile_1_2, 3) {init = 0 : i32, sym_name = "lock_B_full_1_2"}
    %lock_C_free_1_2 = aie.lock(%tile_1_2, 4) {init = 1 : i32, sym_name = "lock_C_free_1_2"}
    %lock_C_full_1_2 = aie.lock(%tile_1_2, 5) {init = 0 : i32, sym_name = "lock_C_full_1_2"}
    %lock_parameters_1_2 = aie.lock(%tile_1_2, 6) {init = 0 : i32, sym_name = "lock_parameters_1_2"}
    %lock_A_free_1_3 = aie.lock(%tile_1_3, 0) {init = 2 : i32, sym_name = "lock_A_free_1_3"}
    %lock_A_full_1_3 = aie.lock(%tile_1_3, 1) {init = 0 : i32, sym_name = "lock_A_full_1_3"}
    %lock_B_free_1_3 = aie.lock(%tile_1_3, 2) {init = 2 : i32, sym_name = "lock_B_free_1_3"}
    %lock_B_full_1_3 = aie.lock(%tile_1_3, 3) {init = 0 : i32, sym_name = "lock_B_full_1_3"}
    %lock_C_free_1_3 = aie.lock(%tile_1_3, 4) {init = 1 : i32, sym_name = "lock_C_free_1_3"}
    %lock_C_full_1_3 = aie.lock(%tile_1_3, 5) {init = 0 : i32, sym_name = "lock_C_full_1_3"}
    %lock_parameters_1_3 = aie.lock(%tile_1_3, 6) {init = 0 : i32, sym_name = "lock_parameters_1_3"}
    %lock_A_free_1_4 = aie.lock(%tile_1_4, 0) {init = 2 : i32, sym_name = "lock_A_free_1_4"}
    %lock_A_full_1_4 = aie.lock(%tile_1_4, 1) {init = 0 : i32, sym_name = "lock_A_full_1_4"}
    %lock_B_free_1_4 = aie.lock(%tile_1_4, 2) {init = 2 : i32, sym_name = "lock_B_free_1_4"}
    %lock_B_full_1_4 = aie.lock(%tile_1_4, 3) {init = 0 : i32, sym_name = "lock_B_full_1_4"}
    %lock_C_free_1_4 = aie.lock(%tile_1_4, 4) {init = 1 : i32, sym_name = "lock_C_free_1_4"}
    %lock_C_full_1_4 = aie.lock(%tile_1_4, 5) {init = 0 : i32, sym_name = "lock_C_full_1_4"}
    %lock_parameters_1_4 = aie.lock(%tile_1_4, 6) {init = 0 : i32, sym_name = "lock_parameters_1_4"}
    %lock_A_free_1_5 = aie.lock(%tile_1_5, 0) {init = 2 : i32, sym_name = "lock_A_free_1_5"}
    %lock_A_full_1_5 = aie.lock(%tile_1_5, 1) {init = 0 : i32, sym_name = "lock_A_full_1_5"}
    %lock_B_free_1_5 = aie.lock(%tile_1_5, 2) {init = 2 : i32, sym_name = "lock_B_free_1_5"}
    %lock_B_full_1_5 = aie.lock(%tile_1_5, 3) {init = 0 : i32, sym_name = "lock_B_full_1_5"}
    %lock_C_free_1_5 = aie.lock(%tile_1_5, 4) {init = 1 : i32, sym_name = "lock_C_free_1_5"}
    %lock_C_full_1_5 = aie.lock(%tile_1_5, 5) {init = 0 : i32, sym_name = "lock_C_full_1_5"}
    %lock_parameters_1_5 = aie.lock(%tile_1_5, 6) {init = 0 : i32, sym_name = "lock_parameters_1_5"}
    %lock_A_free_2_2 = aie.lock(%tile_2_2, 0) {init = 2 : i32, sym_name = "lock_A_free_2_2"}
    %lock_A_full_2_2 = aie.lock(%tile_2_2, 1) {init = 0 : i32, sym_name = "lock_A_full_2_2"}
    %lock_B_free_2_2 = aie.lock(%tile_2_2, 2) {init = 2 : i32, sym_name = "lock_B_free_2_2"}
    %lock_B_full_2_2 = aie.lock(%tile_2_2, 3) {init = 0 : i32, sym_name = "lock_B_full_2_2"}
    %lock_C_free_2_2 = aie.lock(%tile_2_2, 4) {init = 1 : i32, sym_name = "lock_C_free_2_2"}
    %lock_C_full_2_2 = aie.lock(%tile_2_2, 5) {init = 0 : i32, sym_name = "lock_C_full_2_2"}
    %lock_parameters_2_2 = aie.lock(%tile_2_2, 6) {init = 0 : i32, sym_name = "lock_parameters_2_2"}
    %lock_A_free_2_3 = aie.lock(%tile_2_3, 0) {init = 2 : i32, sym_name = "lock_A_free_2_3"}
    %lock_A_full_2_3 = aie.lock(%tile_2_3, 1) {init = 0 : i32, sym_name = "lock_A_full_2_3"}
    %lock_B_free_2_3 = aie.lock(%tile_2_3, 2) {init = 2 : i32, sym_name = "lock_B_free_2_3"}
    %lock_B_full_2_3 = aie.lock(%tile_2_3, 3) {init = 0 : i32, sym_name = "lock_B_full_2_3"}
    %lock_C_free_2_3 = aie.lock(%tile_2_3, 4) {init = 1 : i32, sym_name = "lock_C_free_2_3"}
    %lock_C_full_2_3 = aie.lock(%tile_2_3, 5) {init = 0 : i32, sym_name = "lock_C_full_2_3"}
    %lock_parameters_2_3 = aie.lock(%tile_2_3, 6) {init = 0 : i32, sym_name = "lock_parameters_2_3"}
    %lock_A_free_2_4 = aie.lock(%tile_2_4, 0) {init = 2 : i32, sym_name = "lock_A_free_2_4"}
    %lock_A_full_2_4 = aie.lock(%tile_2_4, 1) {init = 0 : i32, sym_name = "lock_A_full_2_4"}
    %lock_B_free_2_4 = aie.lock(%tile_2_4, 2) {init = 2 : i32, sym_name = "lock_B_free_2_4"}
    %lock_B_full_2_4 = aie.lock(%tile_2_4, 3) {init = 0 : i32, sym_name = "lock_B_full_2_4"}
    %lock_C_free_2_4 = aie.lock(%tile_2_4, 4) {init = 1 : i32, sym_name = "lock_C_free_2_4"}
    %lock_C_full_2_4 = aie.lock(%tile_2_4, 5) {init = 0 : i32, sym_name = "lock_C_full_2_4"}
    %lock_parameters_2_4 = aie.lock(%tile_2_4, 6) {init = 0 : i32, sym_name = "lock_parameters_2_4"}
    %lock_A_free_2_5 = aie.lock(%tile_2_5, 0) {init = 2 : i32, sym_name = "lock_A_free_2_5"}
    %lock_A_full_2_5 = aie.lock(%tile_2_5, 1) {init = 0 : i32, sym_name = "lock_A_full_2_5"}
    %lock_B_free_2_5 = aie.lock(%tile_2_5, 2) {init = 2 : i32, sym_name = "lock_B_free_2_5"}
    %lock_B_full_2_5 = aie.lock(%tile_2_5, 3) {init = 0 : i32, sym_name = "lock_B_full_2_5"}
    %lock_C_free_2_5 = aie.lock(%tile_2_5, 4) {init = 1 : i32, sym_name = "lock_C_free_2_5"}
    %lock_C_full_2_5 = aie.lock(%tile_2_5, 5) {init = 0 : i32, sym_name = "lock_C_full_2_5"}
    %lock_parameters_2_5 = aie.lock(%tile_2_5, 6) {init = 0 : i32, sym_name = "lock_parameters_2_5"}
    %lock_A_free_3_2 = aie.lock(%tile_3_2, 0) {init = 2 : i32, sym_name = "lock_A_free_3_2"}
    %lock_A_full_3_2 = aie.lock(%tile_3_2, 1) {init = 0 : i32, sym_name = "lock_A_full_3_2"}
    %lock_B_free_3_2 = aie.lock(%tile_3_2, 2) {init = 2 : i32, sym_name = "lock_B_free_3_2"}
    %lock_B_full_3_2 = aie.lock(%tile_3_2, 3) {init = 0 : i32, sym_name = "lock_B_full_3_2"}
    %lock_C_free_3_2 = aie.lock(%tile_3_2, 4) {init = 1 : i32, sym_name = "lock_C_free_3_2"}
    %lock_C_full_3_2 = aie.lock(%tile_3_2, 5) {init = 0 : i32, sym_name = "lock_C_full_3_2"}
    %lock_parameters_3_2 = aie.lock(%tile_3_2, 6) {init = 0 : i32, sym_name = "lock_parameters_3_2"}
    %lock_A_free_3_3 = aie.lock(%tile_3_3, 0) {init = 2 : i32, sym_name = "lock_A_free_3_3"}
    %lock_A_full_3_3 = aie.lock(%tile_3_3, 1) {init = 0 : i32, sym_name = "lock_A_full_3_3"}
    %lock_B_free_3_3 = aie.lock(%tile_3_3, 2) {init = 2 : i32, sym_name = "lock_B_free_3_3"}
    %lock_B_full_3_3 = aie.lock(%tile_3_3, 3) {init = 0 : i32, sym_name = "lock_B_full_3_3"}
    %lock_C_free_3_3 = aie.lock(%tile_3_3, 4) {init = 1 : i32, sym_name = "lock_C_free_3_3"}
    %lock_C_full_3_3 = aie.lock(%tile_3_3, 5) {init = 0 : i32, sym_name = "lock_C_full_3_3"}
    %lock_parameters_3_3 = aie.lock(%tile_3_3, 6) {init = 0 : i32, sym_name = "lock_parameters_3_3"}
    %lock_A_free_3_4 = aie.lock(%tile_3_4, 0) {init = 2 : i32, sym_name = "lock_A_free_3_4"}
    %lock_A_full_3_4 = aie.lock(%tile_3_4, 1) {init = 0 : i32, sym_name = "lock_A_full_3_4"}
    %lock_B_free_3_4 = aie.lock(%tile_3_4, 2) {init = 2 : i32, sym_name = "lock_B_free_3_4"}
    %lock_B_full_3_4 = aie.lock(%tile_3_4, 3) {init = 0 : i32, sym_name = "lock_B_full_3_4"}
    %lock_C_free_3_4 = aie.lock(%tile_3_4, 4) {init = 1 : i32, sym_name = "lock_C_free_3_4"}
    %lock_C_full_3_4 = aie.lock(%tile_3_4, 5) {init = 0 : i32, sym_name = "lock_C_full_3_4"}
    %lock_parameters_3_4 = aie.lock(%tile_3_4, 6) {init = 0 : i32, sym_name = "lock_parameters_3_4"}
    %lock_A_free_3_5 = aie.lock(%tile_3_5, 0) {init = 2 : i32, sym_name = "lock_A_free_3_5"}
    %lock_A_full_3_5 = aie.lock(%tile_3_5, 1) {init = 0 : i32, sym_name = "lock_A_full_3_5"}
    %lock_B_free_3_5 = aie.lock(%tile_3_5, 2) {init = 2 : i32, sym_name = "lock_B_free_3_5"}
    %lock_B_full_3_5 = aie.lock(%tile_3_5, 3) {init = 0 : i32, sym_name = "lock_B_full_3_5"}
    %lock_C_free_3_5 = aie.lock(%tile_3_5, 4) {init = 1 : i32, sym_name = "lock_C_free_3_5"}
    %lock_C_full_3_5 = aie.lock(%tile_3_5, 5) {init = 0 : i32, sym_name = "lock_C_full_3_5"}
    %lock_parameters_3_5 = aie.lock(%tile_3_5, 6) {init = 0 : i32, sym_name = "lock_parameters_3_5"}
    // MM2S 0 of shim tile (0,0): A0, argument 0
    // MM2S 1 of shim tile (0,0): B0, argument 1
    // S2MM 0 of shim tile (0,0): C0, argument 2
    // MM2S 0 of shim tile (1,0): A1, argument 0
    // MM2S 1 of shim tile (1,0): B1, argument 1
    // S2MM 0 of shim tile (1,0): C1, argument 2
    // MM2S 0 of shim tile (2,0): A2, argument 0
    // MM2S 1 of shim tile (2,0): B2, argument 1
    // S2MM 0 of shim tile (2,0): C2, argument 2
    // MM2S 0 of shim tile (3,0): A3, argument 0
    // MM2S 1 of shim tile (3,0): B3, argument 1
    // S2MM 0 of shim tile (3,0): C3, argument 2
    aie.flow(%tile_0_0, DMA : 0, %tile_0_1, DMA : 0)
    aie.flow(%tile_0_0, DMA : 1, %tile_0_1, DMA : 1)
    aie.flow(%tile_0_1, DMA : 2, %tile_0_0, DMA : 0)
    aie.flow(%tile_0_2, DMA : 0, %tile_0_1, DMA : 2)
    aie.flow(%tile_0_3, DMA : 0, %tile_0_1, DMA : 3)
    aie.flow(%tile_0_4, DMA : 0, %tile_0_1, DMA : 4)
    aie.flow(%tile_0_5, DMA : 0, %tile_0_1, DMA : 5)
    aie.flow(%tile_0_1, DMA : 0, %tile_0_2, DMA : 0)
    aie.flow(%tile_0_1, DMA : 0, %tile_1_2, DMA : 0)
    aie.flow(%tile_0_1, DMA : 0, %tile_2_2, DMA : 0)
    aie.flow(%tile_0_1, DMA : 0, %tile_3_2, DMA : 0)
    aie.flow(%tile_0_1, DMA : 1, %tile_0_2, DMA : 1)
    aie.flow(%tile_0_1, DMA : 1, %tile_0_3, DMA : 1)
    aie.flow(%tile_0_1, DMA : 1, %tile_0_4, DMA : 1)
    aie.flow(%tile_0_1, DMA : 1, %tile_0_5, DMA : 1)
    aie.flow(%tile_1_0, DMA : 0, %tile_1_1, DMA : 0)
    aie.flow(%tile_1_0, DMA : 1, %tile_1_1, DMA : 1)
    aie.flow(%tile_1_1, DMA : 2, %tile_1_0, DMA : 0)
    aie.flow(%tile_1_2, DMA : 0, %tile_1_1, DMA : 2)
    aie.flow(%tile_1_3, DMA : 0, %tile_1_1, DMA : 3)
    aie.flow(%tile_1_4, DMA : 0, %tile_1_1, DMA : 4)
    aie.flow(%tile_1_5, DMA : 0, %tile_1_1, DMA : 5)
    aie.flow(%tile_1_1, DMA : 0, %tile_0_3, DMA : 0)
    aie.flow(%tile_1_1, DMA : 0, %tile_1_3, DMA : 0)
    aie.flow(%tile_1_1, DMA : 0, %tile_2_3, DMA : 0)
    aie.flow(%tile_1_1, DMA : 0, %tile_3_3, DMA : 0)
    aie.flow(%tile_1_1, DMA : 1, %tile_1_2, DMA : 1)
    aie.flow(%tile_1_1, DMA : 1, %tile_1_3, DMA : 1)
    aie.flow(%tile_1_1, DMA : 1, %tile_1_4, DMA : 1)
    aie.flow(%tile_1_1, DMA : 1, %tile_1_5, DMA : 1)
    aie.flow(%tile_2_0, DMA : 0, %tile_2_1, DMA : 0)
    aie.flow(%tile_2_0, DMA : 1, %tile_2_1, DMA : 1)
    aie.flow(%tile_2_1, DMA : 2, %tile_2_0, DMA : 0)
    aie.flow(%tile_2_2, DMA : 0, %tile_2_1, DMA : 2)
    aie.flow(%tile_2_3, DMA : 0, %tile_2_1, DMA : 3)
    aie.flow(%tile_2_4, DMA : 0, %tile_2_1, DMA : 4)
    aie.flow(%tile_2_5, DMA : 0, %tile_2_1, DMA : 5)
    aie.flow(%tile_2_1, DMA : 0, %tile_0_4, DMA : 0)
    aie.flow(%tile_2_1, DMA : 0, %tile_1_4, DMA : 0)
    aie.flow(%tile_2_1, DMA : 0, %tile_2_4, DMA : 0)
    aie.flow(%tile_2_1, DMA : 0, %tile_3_4, DMA : 0)
    aie.flow(%tile_2_1, DMA : 1, %tile_2_2, DMA : 1)
    aie.flow(%tile_2_1, DMA : 1, %tile_2_3, DMA : 1)
    aie.flow(%tile_2_1, DMA : 1, %tile_2_4, DMA : 1)
    aie.flow(%tile_2_1, DMA : 1, %tile_2_5, DMA : 1)
    aie.flow(%tile_3_0, DMA : 0, %tile_3_1, DMA : 0)
    aie.flow(%tile_3_0, DMA : 1, %tile_3_1, DMA : 1)
    aie.flow(%tile_3_1, DMA : 2, %tile_3_0, DMA : 0)
    aie.flow(%tile_3_2, DMA : 0, %tile_3_1, DMA : 2)
    aie.flow(%tile_3_3, DMA : 0, %tile_3_1, DMA : 3)
    aie.flow(%tile_3_4, DMA : 0, %tile_3_1, DMA : 4)
    aie.flow(%tile_3_5, DMA : 0, %tile_3_1, DMA : 5)
    aie.flow(%tile_3_1, DMA : 0, %tile_0_5, DMA : 0)
    aie.flow(%tile_3_1, DMA : 0, %tile_1_5, DMA : 0)
    aie.flow(%tile_3_1, DMA : 0, %tile_2_5, DMA : 0)
    aie.flow(%tile_3_1, DMA : 0, %tile_3_5, DMA : 0)
    aie.flow(%tile_3_1, DMA : 1, %tile_3_2, DMA : 1)
    aie.flow(%tile_3_1, DMA : 1, %tile_3_3, DMA : 1)
    aie.flow(%tile_3_1, DMA : 1, %tile_3_4, DMA : 1)
    aie.flow(%tile_3_1, DMA : 1, %tile_3_5, DMA : 1)
    aie.memtile_dma(%tile_0_1) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A0_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A0_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 0 : i32}
      aie.use_lock(%lock_A0_full_0_1, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A0_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A0_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 1 : i32}
      aie.use_lock(%lock_A0_full_0_1, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_24, ^mm2s0)
    ^s2mm1_24:
      aie.use_lock(%lock_B0_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B0_0_0_1 : memref<2048xi32>, 0, 2048) {bd_id = 24 : i32}
      aie.use_lock(%lock_B0_full_0_1, Release, 1)
      aie.next_bd ^s2mm1_25
    ^s2mm1_25:
      aie.use_lock(%lock_B0_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B0_1_0_1 : memref<2048xi32>, 0, 2048) {bd_id = 25 : i32}
      aie.use_lock(%lock_B0_full_0_1, Release, 1)
      aie.next_bd ^s2mm1_24
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_2, ^mm2s1)
    ^mm2s0_2:
      aie.use_lock(%lock_A0_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A0_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 2 : i32}
      aie.use_lock(%lock_A0_free_0_1, Release, 1)
      aie.next_bd ^mm2s0_3
    ^mm2s0_3:
      aie.use_lock(%lock_A0_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A0_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 3 : i32}
      aie.use_lock(%lock_A0_free_0_1, Release, 1)
      aie.next_bd ^mm2s0_2
    ^mm2s1:
      aie.dma_start(MM2S, 1, ^mm2s1_26, ^s2mm2)
    ^mm2s1_26:
      aie.use_lock(%lock_B0_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B0_0_0_1 : memref<2048xi32>, 0, 2048) {bd_id = 26 : i32}
      aie.use_lock(%lock_B0_free_0_1, Release, 1)
      aie.next_bd ^mm2s1_27
    ^mm2s1_27:
      aie.use_lock(%lock_B0_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B0_1_0_1 : memref<2048xi32>, 0, 2048) {bd_id = 27 : i32}
      aie.use_lock(%lock_B0_free_0_1, Release, 1)
      aie.next_bd ^mm2s1_26
    ^s2mm2:
      aie.dma_start(S2MM, 2, ^s2mm2_4, ^s2mm3)
    ^s2mm2_4:
      aie.use_lock(%lock_C0_row0_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row0_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C0_row0_full_0_1, Release, 1)
      aie.next_bd ^s2mm2_5
    ^s2mm2_5:
      aie.use_lock(%lock_C0_row0_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row0_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 5 : i32}
      aie.use_lock(%lock_C0_row0_full_0_1, Release, 1)
      aie.next_bd ^s2mm2_4
    ^s2mm3:
      aie.dma_start(S2MM, 3, ^s2mm3_28, ^s2mm4)
    ^s2mm3_28:
      aie.use_lock(%lock_C0_row1_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row1_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 28 : i32}
      aie.use_lock(%lock_C0_row1_full_0_1, Release, 1)
      aie.next_bd ^s2mm3_29
    ^s2mm3_29:
      aie.use_lock(%lock_C0_row1_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row1_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 29 : i32}
      aie.use_lock(%lock_C0_row1_full_0_1, Release, 1)
      aie.next_bd ^s2mm3_28
    ^s2mm4:
      aie.dma_start(S2MM, 4, ^s2mm4_6, ^s2mm5)
    ^s2mm4_6:
      aie.use_lock(%lock_C0_row2_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row2_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 6 : i32}
      aie.use_lock(%lock_C0_row2_full_0_1, Release, 1)
      aie.next_bd ^s2mm4_7
    ^s2mm4_7:
      aie.use_lock(%lock_C0_row2_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row2_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 7 : i32}
      aie.use_lock(%lock_C0_row2_full_0_1, Release, 1)
      aie.next_bd ^s2mm4_6
    ^s2mm5:
      aie.dma_start(S2MM, 5, ^s2mm5_30, ^mm2s2)
    ^s2mm5_30:
      aie.use_lock(%lock_C0_row3_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row3_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 30 : i32}
      aie.use_lock(%lock_C0_row3_full_0_1, Release, 1)
      aie.next_bd ^s2mm5_31
    ^s2mm5_31:
      aie.use_lock(%lock_C0_row3_free_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row3_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 31 : i32}
      aie.use_lock(%lock_C0_row3_full_0_1, Release, 1)
      aie.next_bd ^s2mm5_30
    ^mm2s2:
      aie.dma_start(MM2S, 2, ^mm2s2_8, ^end)
    ^mm2s2_8:
      aie.use_lock(%lock_C0_row0_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row0_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 8 : i32}
      aie.use_lock(%lock_C0_row0_free_0_1, Release, 1)
      aie.next_bd ^mm2s2_9
    ^mm2s2_9:
      aie.use_lock(%lock_C0_row1_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row1_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 9 : i32}
      aie.use_lock(%lock_C0_row1_free_0_1, Release, 1)
      aie.next_bd ^mm2s2_10
    ^mm2s2_10:
      aie.use_lock(%lock_C0_row2_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row2_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 10 : i32}
      aie.use_lock(%lock_C0_row2_free_0_1, Release, 1)
      aie.next_bd ^mm2s2_11
    ^mm2s2_11:
      aie.use_lock(%lock_C0_row3_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row3_0_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 11 : i32}
      aie.use_lock(%lock_C0_row3_free_0_1, Release, 1)
      aie.next_bd ^mm2s2_12
    ^mm2s2_12:
      aie.use_lock(%lock_C0_row0_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row0_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 12 : i32}
      aie.use_lock(%lock_C0_row0_free_0_1, Release, 1)
      aie.next_bd ^mm2s2_13
    ^mm2s2_13:
      aie.use_lock(%lock_C0_row1_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row1_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 13 : i32}
      aie.use_lock(%lock_C0_row1_free_0_1, Release, 1)
      aie.next_bd ^mm2s2_14
    ^mm2s2_14:
      aie.use_lock(%lock_C0_row2_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row2_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 14 : i32}
      aie.use_lock(%lock_C0_row2_free_0_1, Release, 1)
      aie.next_bd ^mm2s2_15
    ^mm2s2_15:
      aie.use_lock(%lock_C0_row3_full_0_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C0_row3_1_0_1 : memref<4096xi32>, 0, 4096) {bd_id = 15 : i32}
      aie.use_lock(%lock_C0_row3_free_0_1, Release, 1)
      aie.next_bd ^mm2s2_8
    ^end:
      aie.end
    }
    aie.mem(%tile_0_2) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_0_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_0_2 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_0_2, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_0_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_0_2 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_0_2, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_0_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_0_2 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_0_2, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_0_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_0_2 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_0_2, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_0_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_0_2 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_0_2, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_0_3) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_0_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_0_3 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_0_3, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_0_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_0_3 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_0_3, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_0_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_0_3 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_0_3, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_0_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_0_3 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_0_3, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_0_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_0_3 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_0_3, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_0_4) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_0_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_0_4 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_0_4, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_0_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_0_4 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_0_4, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_0_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_0_4 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_0_4, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_0_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_0_4 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_0_4, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_0_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_0_4 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_0_4, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_0_5) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_0_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_0_5 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_0_5, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_0_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_0_5 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_0_5, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_0_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_0_5 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_0_5, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_0_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_0_5 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_0_5, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_0_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_0_5 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_0_5, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.memtile_dma(%tile_1_1) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A1_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A1_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 0 : i32}
      aie.use_lock(%lock_A1_full_1_1, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A1_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A1_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 1 : i32}
      aie.use_lock(%lock_A1_full_1_1, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_24, ^mm2s0)
    ^s2mm1_24:
      aie.use_lock(%lock_B1_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B1_0_1_1 : memref<2048xi32>, 0, 2048) {bd_id = 24 : i32}
      aie.use_lock(%lock_B1_full_1_1, Release, 1)
      aie.next_bd ^s2mm1_25
    ^s2mm1_25:
      aie.use_lock(%lock_B1_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B1_1_1_1 : memref<2048xi32>, 0, 2048) {bd_id = 25 : i32}
      aie.use_lock(%lock_B1_full_1_1, Release, 1)
      aie.next_bd ^s2mm1_24
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_2, ^mm2s1)
    ^mm2s0_2:
      aie.use_lock(%lock_A1_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A1_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 2 : i32}
      aie.use_lock(%lock_A1_free_1_1, Release, 1)
      aie.next_bd ^mm2s0_3
    ^mm2s0_3:
      aie.use_lock(%lock_A1_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A1_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 3 : i32}
      aie.use_lock(%lock_A1_free_1_1, Release, 1)
      aie.next_bd ^mm2s0_2
    ^mm2s1:
      aie.dma_start(MM2S, 1, ^mm2s1_26, ^s2mm2)
    ^mm2s1_26:
      aie.use_lock(%lock_B1_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B1_0_1_1 : memref<2048xi32>, 0, 2048) {bd_id = 26 : i32}
      aie.use_lock(%lock_B1_free_1_1, Release, 1)
      aie.next_bd ^mm2s1_27
    ^mm2s1_27:
      aie.use_lock(%lock_B1_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B1_1_1_1 : memref<2048xi32>, 0, 2048) {bd_id = 27 : i32}
      aie.use_lock(%lock_B1_free_1_1, Release, 1)
      aie.next_bd ^mm2s1_26
    ^s2mm2:
      aie.dma_start(S2MM, 2, ^s2mm2_4, ^s2mm3)
    ^s2mm2_4:
      aie.use_lock(%lock_C1_row0_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row0_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C1_row0_full_1_1, Release, 1)
      aie.next_bd ^s2mm2_5
    ^s2mm2_5:
      aie.use_lock(%lock_C1_row0_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row0_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 5 : i32}
      aie.use_lock(%lock_C1_row0_full_1_1, Release, 1)
      aie.next_bd ^s2mm2_4
    ^s2mm3:
      aie.dma_start(S2MM, 3, ^s2mm3_28, ^s2mm4)
    ^s2mm3_28:
      aie.use_lock(%lock_C1_row1_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row1_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 28 : i32}
      aie.use_lock(%lock_C1_row1_full_1_1, Release, 1)
      aie.next_bd ^s2mm3_29
    ^s2mm3_29:
      aie.use_lock(%lock_C1_row1_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row1_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 29 : i32}
      aie.use_lock(%lock_C1_row1_full_1_1, Release, 1)
      aie.next_bd ^s2mm3_28
    ^s2mm4:
      aie.dma_start(S2MM, 4, ^s2mm4_6, ^s2mm5)
    ^s2mm4_6:
      aie.use_lock(%lock_C1_row2_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row2_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 6 : i32}
      aie.use_lock(%lock_C1_row2_full_1_1, Release, 1)
      aie.next_bd ^s2mm4_7
    ^s2mm4_7:
      aie.use_lock(%lock_C1_row2_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row2_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 7 : i32}
      aie.use_lock(%lock_C1_row2_full_1_1, Release, 1)
      aie.next_bd ^s2mm4_6
    ^s2mm5:
      aie.dma_start(S2MM, 5, ^s2mm5_30, ^mm2s2)
    ^s2mm5_30:
      aie.use_lock(%lock_C1_row3_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row3_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 30 : i32}
      aie.use_lock(%lock_C1_row3_full_1_1, Release, 1)
      aie.next_bd ^s2mm5_31
    ^s2mm5_31:
      aie.use_lock(%lock_C1_row3_free_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row3_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 31 : i32}
      aie.use_lock(%lock_C1_row3_full_1_1, Release, 1)
      aie.next_bd ^s2mm5_30
    ^mm2s2:
      aie.dma_start(MM2S, 2, ^mm2s2_8, ^end)
    ^mm2s2_8:
      aie.use_lock(%lock_C1_row0_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row0_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 8 : i32}
      aie.use_lock(%lock_C1_row0_free_1_1, Release, 1)
      aie.next_bd ^mm2s2_9
    ^mm2s2_9:
      aie.use_lock(%lock_C1_row1_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row1_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 9 : i32}
      aie.use_lock(%lock_C1_row1_free_1_1, Release, 1)
      aie.next_bd ^mm2s2_10
    ^mm2s2_10:
      aie.use_lock(%lock_C1_row2_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row2_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 10 : i32}
      aie.use_lock(%lock_C1_row2_free_1_1, Release, 1)
      aie.next_bd ^mm2s2_11
    ^mm2s2_11:
      aie.use_lock(%lock_C1_row3_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row3_0_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 11 : i32}
      aie.use_lock(%lock_C1_row3_free_1_1, Release, 1)
      aie.next_bd ^mm2s2_12
    ^mm2s2_12:
      aie.use_lock(%lock_C1_row0_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row0_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 12 : i32}
      aie.use_lock(%lock_C1_row0_free_1_1, Release, 1)
      aie.next_bd ^mm2s2_13
    ^mm2s2_13:
      aie.use_lock(%lock_C1_row1_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row1_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 13 : i32}
      aie.use_lock(%lock_C1_row1_free_1_1, Release, 1)
      aie.next_bd ^mm2s2_14
    ^mm2s2_14:
      aie.use_lock(%lock_C1_row2_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row2_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 14 : i32}
      aie.use_lock(%lock_C1_row2_free_1_1, Release, 1)
      aie.next_bd ^mm2s2_15
    ^mm2s2_15:
      aie.use_lock(%lock_C1_row3_full_1_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C1_row3_1_1_1 : memref<4096xi32>, 0, 4096) {bd_id = 15 : i32}
      aie.use_lock(%lock_C1_row3_free_1_1, Release, 1)
      aie.next_bd ^mm2s2_8
    ^end:
      aie.end
    }
    aie.mem(%tile_1_2) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_1_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_1_2 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_1_2, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_1_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_1_2 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_1_2, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_1_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_1_2 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_1_2, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_1_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_1_2 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_1_2, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_1_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_1_2 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_1_2, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_1_3) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_1_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_1_3 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_1_3, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_1_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_1_3 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_1_3, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_1_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_1_3 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_1_3, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_1_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_1_3 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_1_3, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_1_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_1_3 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_1_3, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_1_4) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_1_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_1_4 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_1_4, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_1_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_1_4 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_1_4, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_1_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_1_4 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_1_4, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_1_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_1_4 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_1_4, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_1_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_1_4 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_1_4, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_1_5) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_1_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_1_5 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_1_5, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_1_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_1_5 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_1_5, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_1_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_1_5 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_1_5, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_1_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_1_5 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_1_5, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_1_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_1_5 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_1_5, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.memtile_dma(%tile_2_1) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A2_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A2_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 0 : i32}
      aie.use_lock(%lock_A2_full_2_1, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A2_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A2_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 1 : i32}
      aie.use_lock(%lock_A2_full_2_1, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_24, ^mm2s0)
    ^s2mm1_24:
      aie.use_lock(%lock_B2_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B2_0_2_1 : memref<2048xi32>, 0, 2048) {bd_id = 24 : i32}
      aie.use_lock(%lock_B2_full_2_1, Release, 1)
      aie.next_bd ^s2mm1_25
    ^s2mm1_25:
      aie.use_lock(%lock_B2_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B2_1_2_1 : memref<2048xi32>, 0, 2048) {bd_id = 25 : i32}
      aie.use_lock(%lock_B2_full_2_1, Release, 1)
      aie.next_bd ^s2mm1_24
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_2, ^mm2s1)
    ^mm2s0_2:
      aie.use_lock(%lock_A2_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A2_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 2 : i32}
      aie.use_lock(%lock_A2_free_2_1, Release, 1)
      aie.next_bd ^mm2s0_3
    ^mm2s0_3:
      aie.use_lock(%lock_A2_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A2_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 3 : i32}
      aie.use_lock(%lock_A2_free_2_1, Release, 1)
      aie.next_bd ^mm2s0_2
    ^mm2s1:
      aie.dma_start(MM2S, 1, ^mm2s1_26, ^s2mm2)
    ^mm2s1_26:
      aie.use_lock(%lock_B2_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B2_0_2_1 : memref<2048xi32>, 0, 2048) {bd_id = 26 : i32}
      aie.use_lock(%lock_B2_free_2_1, Release, 1)
      aie.next_bd ^mm2s1_27
    ^mm2s1_27:
      aie.use_lock(%lock_B2_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B2_1_2_1 : memref<2048xi32>, 0, 2048) {bd_id = 27 : i32}
      aie.use_lock(%lock_B2_free_2_1, Release, 1)
      aie.next_bd ^mm2s1_26
    ^s2mm2:
      aie.dma_start(S2MM, 2, ^s2mm2_4, ^s2mm3)
    ^s2mm2_4:
      aie.use_lock(%lock_C2_row0_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row0_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C2_row0_full_2_1, Release, 1)
      aie.next_bd ^s2mm2_5
    ^s2mm2_5:
      aie.use_lock(%lock_C2_row0_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row0_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 5 : i32}
      aie.use_lock(%lock_C2_row0_full_2_1, Release, 1)
      aie.next_bd ^s2mm2_4
    ^s2mm3:
      aie.dma_start(S2MM, 3, ^s2mm3_28, ^s2mm4)
    ^s2mm3_28:
      aie.use_lock(%lock_C2_row1_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row1_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 28 : i32}
      aie.use_lock(%lock_C2_row1_full_2_1, Release, 1)
      aie.next_bd ^s2mm3_29
    ^s2mm3_29:
      aie.use_lock(%lock_C2_row1_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row1_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 29 : i32}
      aie.use_lock(%lock_C2_row1_full_2_1, Release, 1)
      aie.next_bd ^s2mm3_28
    ^s2mm4:
      aie.dma_start(S2MM, 4, ^s2mm4_6, ^s2mm5)
    ^s2mm4_6:
      aie.use_lock(%lock_C2_row2_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row2_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 6 : i32}
      aie.use_lock(%lock_C2_row2_full_2_1, Release, 1)
      aie.next_bd ^s2mm4_7
    ^s2mm4_7:
      aie.use_lock(%lock_C2_row2_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row2_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 7 : i32}
      aie.use_lock(%lock_C2_row2_full_2_1, Release, 1)
      aie.next_bd ^s2mm4_6
    ^s2mm5:
      aie.dma_start(S2MM, 5, ^s2mm5_30, ^mm2s2)
    ^s2mm5_30:
      aie.use_lock(%lock_C2_row3_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row3_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 30 : i32}
      aie.use_lock(%lock_C2_row3_full_2_1, Release, 1)
      aie.next_bd ^s2mm5_31
    ^s2mm5_31:
      aie.use_lock(%lock_C2_row3_free_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row3_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 31 : i32}
      aie.use_lock(%lock_C2_row3_full_2_1, Release, 1)
      aie.next_bd ^s2mm5_30
    ^mm2s2:
      aie.dma_start(MM2S, 2, ^mm2s2_8, ^end)
    ^mm2s2_8:
      aie.use_lock(%lock_C2_row0_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row0_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 8 : i32}
      aie.use_lock(%lock_C2_row0_free_2_1, Release, 1)
      aie.next_bd ^mm2s2_9
    ^mm2s2_9:
      aie.use_lock(%lock_C2_row1_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row1_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 9 : i32}
      aie.use_lock(%lock_C2_row1_free_2_1, Release, 1)
      aie.next_bd ^mm2s2_10
    ^mm2s2_10:
      aie.use_lock(%lock_C2_row2_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row2_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 10 : i32}
      aie.use_lock(%lock_C2_row2_free_2_1, Release, 1)
      aie.next_bd ^mm2s2_11
    ^mm2s2_11:
      aie.use_lock(%lock_C2_row3_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row3_0_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 11 : i32}
      aie.use_lock(%lock_C2_row3_free_2_1, Release, 1)
      aie.next_bd ^mm2s2_12
    ^mm2s2_12:
      aie.use_lock(%lock_C2_row0_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row0_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 12 : i32}
      aie.use_lock(%lock_C2_row0_free_2_1, Release, 1)
      aie.next_bd ^mm2s2_13
    ^mm2s2_13:
      aie.use_lock(%lock_C2_row1_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row1_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 13 : i32}
      aie.use_lock(%lock_C2_row1_free_2_1, Release, 1)
      aie.next_bd ^mm2s2_14
    ^mm2s2_14:
      aie.use_lock(%lock_C2_row2_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row2_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 14 : i32}
      aie.use_lock(%lock_C2_row2_free_2_1, Release, 1)
      aie.next_bd ^mm2s2_15
    ^mm2s2_15:
      aie.use_lock(%lock_C2_row3_full_2_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C2_row3_1_2_1 : memref<4096xi32>, 0, 4096) {bd_id = 15 : i32}
      aie.use_lock(%lock_C2_row3_free_2_1, Release, 1)
      aie.next_bd ^mm2s2_8
    ^end:
      aie.end
    }
    aie.mem(%tile_2_2) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_2_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_2_2 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_2_2, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_2_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_2_2 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_2_2, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_2_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_2_2 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_2_2, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_2_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_2_2 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_2_2, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_2_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_2_2 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_2_2, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_2_3) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_2_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_2_3 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_2_3, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_2_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_2_3 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_2_3, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_2_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_2_3 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_2_3, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_2_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_2_3 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_2_3, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_2_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_2_3 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_2_3, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_2_4) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_2_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_2_4 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_2_4, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_2_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_2_4 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_2_4, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_2_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_2_4 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_2_4, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_2_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_2_4 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_2_4, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_2_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_2_4 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_2_4, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_2_5) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_2_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_2_5 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_2_5, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_2_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_2_5 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_2_5, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_2_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_2_5 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_2_5, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_2_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_2_5 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_2_5, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_2_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_2_5 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_2_5, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.memtile_dma(%tile_3_1) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A3_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A3_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 0 : i32}
      aie.use_lock(%lock_A3_full_3_1, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A3_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A3_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 1 : i32}
      aie.use_lock(%lock_A3_full_3_1, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_24, ^mm2s0)
    ^s2mm1_24:
      aie.use_lock(%lock_B3_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B3_0_3_1 : memref<2048xi32>, 0, 2048) {bd_id = 24 : i32}
      aie.use_lock(%lock_B3_full_3_1, Release, 1)
      aie.next_bd ^s2mm1_25
    ^s2mm1_25:
      aie.use_lock(%lock_B3_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B3_1_3_1 : memref<2048xi32>, 0, 2048) {bd_id = 25 : i32}
      aie.use_lock(%lock_B3_full_3_1, Release, 1)
      aie.next_bd ^s2mm1_24
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_2, ^mm2s1)
    ^mm2s0_2:
      aie.use_lock(%lock_A3_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A3_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 2 : i32}
      aie.use_lock(%lock_A3_free_3_1, Release, 1)
      aie.next_bd ^mm2s0_3
    ^mm2s0_3:
      aie.use_lock(%lock_A3_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%A3_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 3 : i32}
      aie.use_lock(%lock_A3_free_3_1, Release, 1)
      aie.next_bd ^mm2s0_2
    ^mm2s1:
      aie.dma_start(MM2S, 1, ^mm2s1_26, ^s2mm2)
    ^mm2s1_26:
      aie.use_lock(%lock_B3_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B3_0_3_1 : memref<2048xi32>, 0, 2048) {bd_id = 26 : i32}
      aie.use_lock(%lock_B3_free_3_1, Release, 1)
      aie.next_bd ^mm2s1_27
    ^mm2s1_27:
      aie.use_lock(%lock_B3_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%B3_1_3_1 : memref<2048xi32>, 0, 2048) {bd_id = 27 : i32}
      aie.use_lock(%lock_B3_free_3_1, Release, 1)
      aie.next_bd ^mm2s1_26
    ^s2mm2:
      aie.dma_start(S2MM, 2, ^s2mm2_4, ^s2mm3)
    ^s2mm2_4:
      aie.use_lock(%lock_C3_row0_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row0_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C3_row0_full_3_1, Release, 1)
      aie.next_bd ^s2mm2_5
    ^s2mm2_5:
      aie.use_lock(%lock_C3_row0_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row0_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 5 : i32}
      aie.use_lock(%lock_C3_row0_full_3_1, Release, 1)
      aie.next_bd ^s2mm2_4
    ^s2mm3:
      aie.dma_start(S2MM, 3, ^s2mm3_28, ^s2mm4)
    ^s2mm3_28:
      aie.use_lock(%lock_C3_row1_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row1_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 28 : i32}
      aie.use_lock(%lock_C3_row1_full_3_1, Release, 1)
      aie.next_bd ^s2mm3_29
    ^s2mm3_29:
      aie.use_lock(%lock_C3_row1_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row1_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 29 : i32}
      aie.use_lock(%lock_C3_row1_full_3_1, Release, 1)
      aie.next_bd ^s2mm3_28
    ^s2mm4:
      aie.dma_start(S2MM, 4, ^s2mm4_6, ^s2mm5)
    ^s2mm4_6:
      aie.use_lock(%lock_C3_row2_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row2_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 6 : i32}
      aie.use_lock(%lock_C3_row2_full_3_1, Release, 1)
      aie.next_bd ^s2mm4_7
    ^s2mm4_7:
      aie.use_lock(%lock_C3_row2_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row2_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 7 : i32}
      aie.use_lock(%lock_C3_row2_full_3_1, Release, 1)
      aie.next_bd ^s2mm4_6
    ^s2mm5:
      aie.dma_start(S2MM, 5, ^s2mm5_30, ^mm2s2)
    ^s2mm5_30:
      aie.use_lock(%lock_C3_row3_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row3_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 30 : i32}
      aie.use_lock(%lock_C3_row3_full_3_1, Release, 1)
      aie.next_bd ^s2mm5_31
    ^s2mm5_31:
      aie.use_lock(%lock_C3_row3_free_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row3_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 31 : i32}
      aie.use_lock(%lock_C3_row3_full_3_1, Release, 1)
      aie.next_bd ^s2mm5_30
    ^mm2s2:
      aie.dma_start(MM2S, 2, ^mm2s2_8, ^end)
    ^mm2s2_8:
      aie.use_lock(%lock_C3_row0_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row0_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 8 : i32}
      aie.use_lock(%lock_C3_row0_free_3_1, Release, 1)
      aie.next_bd ^mm2s2_9
    ^mm2s2_9:
      aie.use_lock(%lock_C3_row1_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row1_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 9 : i32}
      aie.use_lock(%lock_C3_row1_free_3_1, Release, 1)
      aie.next_bd ^mm2s2_10
    ^mm2s2_10:
      aie.use_lock(%lock_C3_row2_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row2_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 10 : i32}
      aie.use_lock(%lock_C3_row2_free_3_1, Release, 1)
      aie.next_bd ^mm2s2_11
    ^mm2s2_11:
      aie.use_lock(%lock_C3_row3_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row3_0_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 11 : i32}
      aie.use_lock(%lock_C3_row3_free_3_1, Release, 1)
      aie.next_bd ^mm2s2_12
    ^mm2s2_12:
      aie.use_lock(%lock_C3_row0_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row0_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 12 : i32}
      aie.use_lock(%lock_C3_row0_free_3_1, Release, 1)
      aie.next_bd ^mm2s2_13
    ^mm2s2_13:
      aie.use_lock(%lock_C3_row1_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row1_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 13 : i32}
      aie.use_lock(%lock_C3_row1_free_3_1, Release, 1)
      aie.next_bd ^mm2s2_14
    ^mm2s2_14:
      aie.use_lock(%lock_C3_row2_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row2_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 14 : i32}
      aie.use_lock(%lock_C3_row2_free_3_1, Release, 1)
      aie.next_bd ^mm2s2_15
    ^mm2s2_15:
      aie.use_lock(%lock_C3_row3_full_3_1, AcquireGreaterEqual, 1)
      aie.dma_bd(%C3_row3_1_3_1 : memref<4096xi32>, 0, 4096) {bd_id = 15 : i32}
      aie.use_lock(%lock_C3_row3_free_3_1, Release, 1)
      aie.next_bd ^mm2s2_8
    ^end:
      aie.end
    }
    aie.mem(%tile_3_2) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_3_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_3_2 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_3_2, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_3_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_3_2 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_3_2, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_3_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_3_2 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_3_2, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_3_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_3_2 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_3_2, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_3_2, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_3_2 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_3_2, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_3_3) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_3_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_3_3 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_3_3, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_3_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_3_3 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_3_3, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_3_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_3_3 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_3_3, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_3_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_3_3 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_3_3, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_3_3, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_3_3 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_3_3, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_3_4) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_3_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_3_4 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_3_4, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_3_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_3_4 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_3_4, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_3_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_3_4 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_3_4, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_3_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_3_4 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_3_4, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_3_4, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_3_4 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_3_4, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.mem(%tile_3_5) {
      aie.dma_start(S2MM, 0, ^s2mm0_0, ^s2mm1)
    ^s2mm0_0:
      aie.use_lock(%lock_A_free_3_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_0_3_5 : memref<2048xi32>, 0, 2048) {bd_id = 0 : i32}
      aie.use_lock(%lock_A_full_3_5, Release, 1)
      aie.next_bd ^s2mm0_1
    ^s2mm0_1:
      aie.use_lock(%lock_A_free_3_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%A_1_3_5 : memref<2048xi32>, 0, 2048) {bd_id = 1 : i32}
      aie.use_lock(%lock_A_full_3_5, Release, 1)
      aie.next_bd ^s2mm0_0
    ^s2mm1:
      aie.dma_start(S2MM, 1, ^s2mm1_2, ^mm2s0)
    ^s2mm1_2:
      aie.use_lock(%lock_B_free_3_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_0_3_5 : memref<1024xi32>, 0, 1024) {bd_id = 2 : i32}
      aie.use_lock(%lock_B_full_3_5, Release, 1)
      aie.next_bd ^s2mm1_3
    ^s2mm1_3:
      aie.use_lock(%lock_B_free_3_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%B_1_3_5 : memref<1024xi32>, 0, 1024) {bd_id = 3 : i32}
      aie.use_lock(%lock_B_full_3_5, Release, 1)
      aie.next_bd ^s2mm1_2
    ^mm2s0:
      aie.dma_start(MM2S, 0, ^mm2s0_4, ^end)
    ^mm2s0_4:
      aie.use_lock(%lock_C_full_3_5, AcquireGreaterEqual, 1)
      aie.dma_bd(%C_0_3_5 : memref<4096xi32>, 0, 4096) {bd_id = 4 : i32}
      aie.use_lock(%lock_C_free_3_5, Release, 1)
      aie.next_bd ^mm2s0_4
    ^end:
      aie.end
    }
    aie.core(%tile_0_2) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_0_2, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_0_2[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_0_2, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_0_2) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_0_2[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_0_2, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_0_2, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_0_2, %B_0_0_2, %C_0_0_2) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_0_2, Release, 1)
            aie.use_lock(%lock_B_free_0_2, Release, 1)
            aie.use_lock(%lock_B_full_0_2, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_0_2, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_0_2, %B_1_0_2, %C_0_0_2) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_0_2, Release, 1)
            aie.use_lock(%lock_B_free_0_2, Release, 1)
          }
          aie.use_lock(%lock_C_full_0_2, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_0_3) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_0_3, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_0_3[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_0_3, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_0_3) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_0_3[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_0_3, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_0_3, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_0_3, %B_0_0_3, %C_0_0_3) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_0_3, Release, 1)
            aie.use_lock(%lock_B_free_0_3, Release, 1)
            aie.use_lock(%lock_B_full_0_3, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_0_3, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_0_3, %B_1_0_3, %C_0_0_3) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_0_3, Release, 1)
            aie.use_lock(%lock_B_free_0_3, Release, 1)
          }
          aie.use_lock(%lock_C_full_0_3, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_0_4) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_0_4, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_0_4[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_0_4, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_0_4) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_0_4[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_0_4, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_0_4, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_0_4, %B_0_0_4, %C_0_0_4) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_0_4, Release, 1)
            aie.use_lock(%lock_B_free_0_4, Release, 1)
            aie.use_lock(%lock_B_full_0_4, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_0_4, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_0_4, %B_1_0_4, %C_0_0_4) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_0_4, Release, 1)
            aie.use_lock(%lock_B_free_0_4, Release, 1)
          }
          aie.use_lock(%lock_C_full_0_4, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_0_5) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_0_5, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_0_5[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_0_5, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_0_5) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_0_5[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_0_5, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_0_5, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_0_5, %B_0_0_5, %C_0_0_5) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_0_5, Release, 1)
            aie.use_lock(%lock_B_free_0_5, Release, 1)
            aie.use_lock(%lock_B_full_0_5, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_0_5, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_0_5, %B_1_0_5, %C_0_0_5) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_0_5, Release, 1)
            aie.use_lock(%lock_B_free_0_5, Release, 1)
          }
          aie.use_lock(%lock_C_full_0_5, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_1_2) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_1_2, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_1_2[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_1_2, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_1_2) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_1_2[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_1_2, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_1_2, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_1_2, %B_0_1_2, %C_0_1_2) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_1_2, Release, 1)
            aie.use_lock(%lock_B_free_1_2, Release, 1)
            aie.use_lock(%lock_B_full_1_2, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_1_2, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_1_2, %B_1_1_2, %C_0_1_2) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_1_2, Release, 1)
            aie.use_lock(%lock_B_free_1_2, Release, 1)
          }
          aie.use_lock(%lock_C_full_1_2, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_1_3) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_1_3, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_1_3[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_1_3, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_1_3) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_1_3[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_1_3, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_1_3, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_1_3, %B_0_1_3, %C_0_1_3) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_1_3, Release, 1)
            aie.use_lock(%lock_B_free_1_3, Release, 1)
            aie.use_lock(%lock_B_full_1_3, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_1_3, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_1_3, %B_1_1_3, %C_0_1_3) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_1_3, Release, 1)
            aie.use_lock(%lock_B_free_1_3, Release, 1)
          }
          aie.use_lock(%lock_C_full_1_3, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_1_4) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_1_4, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_1_4[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_1_4, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_1_4) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_1_4[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_1_4, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_1_4, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_1_4, %B_0_1_4, %C_0_1_4) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_1_4, Release, 1)
            aie.use_lock(%lock_B_free_1_4, Release, 1)
            aie.use_lock(%lock_B_full_1_4, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_1_4, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_1_4, %B_1_1_4, %C_0_1_4) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_1_4, Release, 1)
            aie.use_lock(%lock_B_free_1_4, Release, 1)
          }
          aie.use_lock(%lock_C_full_1_4, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_1_5) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_1_5, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_1_5[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_1_5, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_1_5) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_1_5[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_1_5, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_1_5, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_1_5, %B_0_1_5, %C_0_1_5) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_1_5, Release, 1)
            aie.use_lock(%lock_B_free_1_5, Release, 1)
            aie.use_lock(%lock_B_full_1_5, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_1_5, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_1_5, %B_1_1_5, %C_0_1_5) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_1_5, Release, 1)
            aie.use_lock(%lock_B_free_1_5, Release, 1)
          }
          aie.use_lock(%lock_C_full_1_5, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_2_2) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_2_2, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_2_2[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_2_2, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_2_2) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_2_2[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_2_2, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_2_2, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_2_2, %B_0_2_2, %C_0_2_2) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_2_2, Release, 1)
            aie.use_lock(%lock_B_free_2_2, Release, 1)
            aie.use_lock(%lock_B_full_2_2, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_2_2, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_2_2, %B_1_2_2, %C_0_2_2) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_2_2, Release, 1)
            aie.use_lock(%lock_B_free_2_2, Release, 1)
          }
          aie.use_lock(%lock_C_full_2_2, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_2_3) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_2_3, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_2_3[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_2_3, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_2_3) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_2_3[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_2_3, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_2_3, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_2_3, %B_0_2_3, %C_0_2_3) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_2_3, Release, 1)
            aie.use_lock(%lock_B_free_2_3, Release, 1)
            aie.use_lock(%lock_B_full_2_3, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_2_3, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_2_3, %B_1_2_3, %C_0_2_3) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_2_3, Release, 1)
            aie.use_lock(%lock_B_free_2_3, Release, 1)
          }
          aie.use_lock(%lock_C_full_2_3, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_2_4) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_2_4, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_2_4[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_2_4, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_2_4) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_2_4[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_2_4, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_2_4, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_2_4, %B_0_2_4, %C_0_2_4) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_2_4, Release, 1)
            aie.use_lock(%lock_B_free_2_4, Release, 1)
            aie.use_lock(%lock_B_full_2_4, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_2_4, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_2_4, %B_1_2_4, %C_0_2_4) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_2_4, Release, 1)
            aie.use_lock(%lock_B_free_2_4, Release, 1)
          }
          aie.use_lock(%lock_C_full_2_4, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_2_5) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_2_5, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_2_5[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_2_5, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_2_5) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_2_5[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_2_5, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_2_5, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_2_5, %B_0_2_5, %C_0_2_5) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_2_5, Release, 1)
            aie.use_lock(%lock_B_free_2_5, Release, 1)
            aie.use_lock(%lock_B_full_2_5, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_2_5, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_2_5, %B_1_2_5, %C_0_2_5) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_2_5, Release, 1)
            aie.use_lock(%lock_B_free_2_5, Release, 1)
          }
          aie.use_lock(%lock_C_full_2_5, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_3_2) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_3_2, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_3_2[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_3_2, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_3_2) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_3_2[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_3_2, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_3_2, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_3_2, %B_0_3_2, %C_0_3_2) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_3_2, Release, 1)
            aie.use_lock(%lock_B_free_3_2, Release, 1)
            aie.use_lock(%lock_B_full_3_2, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_3_2, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_3_2, %B_1_3_2, %C_0_3_2) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_3_2, Release, 1)
            aie.use_lock(%lock_B_free_3_2, Release, 1)
          }
          aie.use_lock(%lock_C_full_3_2, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_3_3) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_3_3, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_3_3[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_3_3, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_3_3) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_3_3[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_3_3, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_3_3, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_3_3, %B_0_3_3, %C_0_3_3) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_3_3, Release, 1)
            aie.use_lock(%lock_B_free_3_3, Release, 1)
            aie.use_lock(%lock_B_full_3_3, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_3_3, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_3_3, %B_1_3_3, %C_0_3_3) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_3_3, Release, 1)
            aie.use_lock(%lock_B_free_3_3, Release, 1)
          }
          aie.use_lock(%lock_C_full_3_3, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_3_4) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_3_4, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_3_4[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_3_4, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_3_4) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_3_4[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_3_4, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_3_4, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_3_4, %B_0_3_4, %C_0_3_4) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_3_4, Release, 1)
            aie.use_lock(%lock_B_free_3_4, Release, 1)
            aie.use_lock(%lock_B_full_3_4, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_3_4, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_3_4, %B_1_3_4, %C_0_3_4) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_3_4, Release, 1)
            aie.use_lock(%lock_B_free_3_4, Release, 1)
          }
          aie.use_lock(%lock_C_full_3_4, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%tile_3_5) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %forever = arith.constant 9223372036854775807 : index
      scf.for %round = %zero to %forever step %one {
        aie.use_lock(%lock_parameters_3_5, AcquireGreaterEqual, 1)
        %at1 = arith.constant 0 : index
        %word1 = memref.load %parameters_3_5[%at1] : memref<8xi32>
        %trips1 = arith.index_cast %word1 : i32 to index
        scf.for %i1 = %zero to %trips1 step %one {
          aie.use_lock(%lock_C_free_3_5, AcquireGreaterEqual, 1)
          func.call @zero_i32_64x64(%C_0_3_5) : (memref<4096xi32>) -> ()
          %at4 = arith.constant 1 : index
          %word4 = memref.load %parameters_3_5[%at4] : memref<8xi32>
          %trips4 = arith.index_cast %word4 : i32 to index
          scf.for %i4 = %zero to %trips4 step %one {
            aie.use_lock(%lock_B_full_3_5, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_3_5, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_0_3_5, %B_0_3_5, %C_0_3_5) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_3_5, Release, 1)
            aie.use_lock(%lock_B_free_3_5, Release, 1)
            aie.use_lock(%lock_B_full_3_5, AcquireGreaterEqual, 1)
            aie.use_lock(%lock_A_full_3_5, AcquireGreaterEqual, 1)
            func.call @mm_i16i8_i32_64x64x64(%A_1_3_5, %B_1_3_5, %C_0_3_5) : (memref<2048xi32>, memref<1024xi32>, memref<4096xi32>) -> ()
            aie.use_lock(%lock_A_free_3_5, Release, 1)
            aie.use_lock(%lock_B_free_3_5, Release, 1)
          }
          aie.use_lock(%lock_C_full_3_5, Release, 1)
        }
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.runtime_sequence @run(%argument0: memref<1xi32>, %argument1: memref<1xi32>, %argument2: memref<1xi32>) {
    }
  }
}

# cmake "-DINPUTS=a.lua|b.lua" -DOUTPUT=x.c -DNAME=x -P embed.cmake
# Writes a C file with the bytes of the files, one after the other, as a NUL-terminated array.
string(REPLACE "|" ";" inputs "${INPUTS}")
foreach(input IN LISTS inputs)
    file(READ ${input} hex HEX)
    string(APPEND bytes ${hex})
endforeach()
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n    " bytes "${bytes}")
file(WRITE ${OUTPUT}
    "#include \"store/scripts.h\"\n\nconst char ${NAME}[] = {\n    ${bytes}0x00};\n")
